import { filledBuckets, type Histogram, histogramCount } from '../model/histogram.ts';
import type { Figure } from '../model/figures.ts';

const SCHEMA = 1;

/** The fields of the NDJSON record of `forktax hist --json` and their meanings. */
export const HISTOGRAM_FIELDS = {
  schema: `version of these fields: ${SCHEMA}`,
  type: 'histogram',
  time: 'time of the snapshot, RFC 3339 in UTC',
  of: 'stall, rss, exec-delay, lifetime or sibling-wait',
  unit: 'unit of sum and le: ns or bytes',
  by: 'mechanism or spawner',
  name: 'the mechanism, or the name of the spawner',
  count: 'number of values',
  sum: 'sum of the values',
  buckets:
    'for each bucket that is not empty its count and its bounds: gt is below it, le (null if there is none) is in it; not cumulative',
} as const;

export interface HistogramRecordOptions {
  readonly atMs: number;
  readonly of: string;
  readonly figure: Figure;
  readonly by: string;
  readonly name: string;
}

export function histogramRecord(
  histogram: Histogram,
  { atMs, of, figure, by, name }: HistogramRecordOptions,
): Record<keyof typeof HISTOGRAM_FIELDS, unknown> {
  return {
    schema: SCHEMA,
    type: 'histogram',
    time: new Date(atMs).toISOString(),
    of,
    unit: figure.unit,
    by,
    name,
    count: histogramCount(histogram),
    sum: histogram.sum,
    buckets: filledBuckets(histogram, figure.bounds),
  };
}
