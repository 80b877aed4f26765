/** What a scrape says, before it has a format. */
import type { HistogramKind } from '../../model/bounds.ts';
import type { Histogram } from '../../model/histogram.ts';
import type { SlowestSpawn } from '../../model/rows.ts';

/** In the order in which they are shown. An empty value is no label to Prometheus. */
export type Labels = readonly (readonly [name: string, value: string])[];

export interface FamilyHead {
  /** As a query names it; a histogram's without `_bucket`, `_sum` and `_count`. */
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly unit?: 'seconds' | 'bytes';
  readonly help: string;
}

/** In the unit of the metric. */
export interface ValueSample {
  readonly labels: Labels;
  readonly value: number;
}

/** A histogram of the table, which has both native and classic buckets. */
export interface SlotsSample {
  readonly labels: Labels;
  readonly scale: HistogramKind;
  readonly histogram: Histogram;
  /** The exemplar. */
  readonly slowest?: SlowestSpawn | undefined;
}

/** A histogram that has classic buckets only. */
export interface BucketsSample {
  readonly labels: Labels;
  /** Ascending bounds, the last infinite, each with the number of values up to it. */
  readonly buckets: readonly (readonly [bound: number, count: number])[];
  readonly sum: number;
  readonly count: number;
}

export type Sample = ValueSample | SlotsSample | BucketsSample;

export interface Family {
  readonly head: FamilyHead;
  readonly samples: Iterable<Sample>;
}
