/**
 * The count of each bucket, not cumulative. `counts[i]` counts values <= `bounds[i]`; the last one counts values above
 * all bounds. `sum` is in nanoseconds for times, and in bytes for sizes.
 */
export interface Histogram {
  readonly counts: ArrayLike<number>;
  readonly sum: number;
}

export function emptyHistogram(bounds: readonly number[]): Histogram {
  return { counts: Array.from({ length: bounds.length + 1 }, () => 0), sum: 0 };
}

/** Adds two histograms that have the same bounds. */
export function addHistograms(a: Histogram, b: Histogram): Histogram {
  return combine(a, b, 1);
}

/** Gives what was counted between `earlier` and `later`. */
export function subtractHistograms(later: Histogram, earlier: Histogram): Histogram {
  return combine(later, earlier, -1);
}

export function histogramCount(histogram: Histogram): number {
  let count = 0;
  for (let i = 0; i < histogram.counts.length; i++) count += histogram.counts[i] ?? 0;
  return count;
}

/** The values above `gt`, up to and with `le`; null where no bound is above them. The first bucket holds 0 too. */
export interface Bucket {
  readonly gt: number;
  readonly le: number | null;
  readonly count: number;
}

/** Those that hold anything. */
export function filledBuckets({ counts }: Histogram, bounds: readonly number[]): Bucket[] {
  return Array.from(counts, (count, i) => ({ gt: bounds[i - 1] ?? 0, le: bounds[i] ?? null, count })).filter(
    ({ count }) => count > 0,
  );
}

/** The slots that hold anything, each with its count. */
export function filledSlots({ counts }: Histogram): (readonly [slot: number, count: number])[] {
  return Array.from(counts, (count, slot) => [slot, count] as const).filter(([, count]) => count > 0);
}

/** The slot of a value: that of the first bound which is not below it, or the one above all bounds. */
export function slotOf(bounds: readonly number[], value: number): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value <= (bounds[middle] ?? Infinity)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Estimates a quantile, `q` in [0, 1]. It takes the values of a slot as evenly spread around their mean, and estimates
 * that mean from the sum of all values. So it is nearly exact for equal values, exact for a single one, and never
 * contradicts the sum or `max`, if the largest value is known. Gives the highest bound for values above it, and undefined
 * for an empty histogram.
 */
export function quantile(
  histogram: Histogram,
  bounds: readonly number[],
  q: number,
  max = Infinity,
): number | undefined {
  const total = histogramCount(histogram);
  if (total === 0) return undefined;
  const { mean, aboveLowest, belowHighest } = meanWithinSlots(histogram, bounds);
  let below = 0;
  for (const [i, bound] of bounds.entries()) {
    const count = histogram.counts[i] ?? 0;
    if (count > 0 && below + count >= q * total) {
      const lower = bounds[i - 1] ?? 0;
      const spread = 2 * Math.min(mean, 1 - mean);
      const within = mean + spread * (Math.max(0, (q * total - below) / count) - 0.5);
      const estimate = lower + (bound - lower) * within;
      // The furthest from each end of its slot that a value can be: all others are at theirs.
      const possible = Math.min(Math.max(estimate, bound - belowHighest), lower + aboveLowest);
      return Math.min(possible, Math.max(lower, max));
    }
    below += count;
  }
  return bounds.at(-1);
}

/**
 * `mean`: where in their slots the values lie on average, 0 at the lower bounds, 1 at the upper ones. Nothing is known while
 * values lie above all bounds. `aboveLowest` and `belowHighest`: how far the sum is from what it would be if each value were that end of its slot.
 */
function meanWithinSlots({ counts, sum }: Histogram, bounds: readonly number[]) {
  let lowest = 0;
  let widths = 0;
  for (const [i, bound] of bounds.entries()) {
    const count = counts[i] ?? 0;
    const lower = bounds[i - 1] ?? 0;
    lowest += count * lower;
    widths += count * (bound - lower);
  }
  const known = widths > 0 && (counts[bounds.length] ?? 0) === 0;
  if (!known) return { mean: 0.5, aboveLowest: Infinity, belowHighest: Infinity };
  const above = Math.min(widths, Math.max(0, sum - lowest));
  return { mean: above / widths, aboveLowest: above, belowHighest: widths - above };
}

function combine(a: Histogram, b: Histogram, sign: 1 | -1): Histogram {
  if (a.counts.length !== b.counts.length) throw new RangeError('histograms of different bounds');
  const counts = new Array<number>(a.counts.length);
  for (let i = 0; i < counts.length; i++) counts[i] = (a.counts[i] ?? 0) + sign * (b.counts[i] ?? 0);
  return { counts, sum: a.sum + sign * b.sum };
}
