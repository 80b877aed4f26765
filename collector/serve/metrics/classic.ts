/**
 * The buckets of Prometheus' classic histograms. Each is made of whole slots, so classic and native histograms of one
 * row never disagree; there are fewer of them, because each is a series.
 */
import { SCALES, type HistogramKind } from '../../model/bounds.ts';
import type { Histogram } from '../../model/histogram.ts';

/** A bound of 2^exponent base units for each exponent from `lowest` to `highest`, `step` apart. */
interface Powers {
  readonly lowest: number;
  readonly highest: number;
  readonly step: number;
}

const POWERS: Readonly<Record<HistogramKind, Powers>> = {
  timeHistogram: { lowest: -15, highest: 3, step: 1 },
  lifetimeHistogram: { lowest: -10, highest: 20, step: 2 },
  sizeHistogram: { lowest: 18, highest: 36, step: 3 },
};

export interface ClassicBuckets {
  /** Ascending, in base units: seconds or bytes. */
  readonly bounds: readonly number[];
  /** For each bound, how many slots lie below it. */
  readonly slots: readonly number[];
}

export const CLASSIC_BUCKETS: Readonly<Record<HistogramKind, ClassicBuckets>> = {
  timeHistogram: bucketsOf('timeHistogram'),
  lifetimeHistogram: bucketsOf('lifetimeHistogram'),
  sizeHistogram: bucketsOf('sizeHistogram'),
};

/** How many values are in each bucket and all below it, the last for what is above all bounds: the count. */
export function cumulativeCounts({ counts }: Histogram, { slots }: ClassicBuckets): number[] {
  const cumulative: number[] = [];
  let count = 0;
  let slot = 0;
  for (const end of [...slots, counts.length]) {
    for (; slot < end; slot++) count += counts[slot] ?? 0;
    cumulative.push(count);
  }
  return cumulative;
}

function bucketsOf(kind: HistogramKind): ClassicBuckets {
  const { lowest, highest, step } = POWERS[kind];
  const scale = SCALES[kind];
  const exponents = Array.from({ length: (highest - lowest) / step + 1 }, (_, i) => lowest + i * step);
  return {
    bounds: exponents.map((exponent) => 2 ** exponent),
    slots: exponents.map((exponent) => (exponent - scale.lowest) * 2 ** scale.schema + 1),
  };
}
