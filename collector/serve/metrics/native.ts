/** The buckets of Prometheus' native histograms, made of slots. */
import { HISTOGRAM_BOUNDS, SCALES, type HistogramKind } from '../../model/bounds.ts';
import type { Histogram } from '../../model/histogram.ts';

/** Neighbouring buckets. A gap of no more than two empty ones costs less than a span. */
const LARGEST_GAP = 2;

export interface NativeBuckets {
  /** How many values are not above the zero threshold. */
  readonly zeroCount: number;
  /** `offset` is the first bucket's index in the first span, in the others the distance from the end of the one before. */
  readonly spans: readonly { readonly offset: number; readonly length: number }[];
  /** The first bucket's count, then for each one the difference from the one before it. */
  readonly deltas: number[];
}

/** 2^lowest: the zero threshold. It is a bound, so the zero bucket holds exactly the first slot. */
export const ZERO_THRESHOLDS: Readonly<Record<HistogramKind, number>> = {
  timeHistogram: 2 ** SCALES.timeHistogram.lowest,
  lifetimeHistogram: 2 ** SCALES.lifetimeHistogram.lowest,
  sizeHistogram: 2 ** SCALES.sizeHistogram.lowest,
};

/**
 * Slot i is the bucket whose upper bound is 2^(lowest + i / 2^schema). What lies above all bounds goes into the bucket
 * after the last, as if it were just above: quantiles stay finite, count and sum are exact.
 */
export function nativeBuckets({ counts }: Histogram, kind: HistogramKind): NativeBuckets {
  const { schema, lowest } = SCALES[kind];
  const firstIndex = lowest * 2 ** schema;
  const spans: { offset: number; length: number }[] = [];
  const deltas: number[] = [];
  let before = 0;
  let end = 0;
  for (let slot = 1; slot <= HISTOGRAM_BOUNDS[kind].length; slot++) {
    const count = counts[slot] ?? 0;
    if (count === 0) continue;
    const last = spans.at(-1);
    const index = firstIndex + slot;
    if (last && index - end <= LARGEST_GAP) {
      for (; end < index; end++) {
        deltas.push(-before);
        before = 0;
        last.length++;
      }
      last.length++;
    } else spans.push({ offset: index - end, length: 1 });
    deltas.push(count - before);
    before = count;
    end = index + 1;
  }
  return { zeroCount: counts[0] ?? 0, spans, deltas };
}
