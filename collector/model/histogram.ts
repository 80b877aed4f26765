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

/**
 * Estimates a quantile, `q` in [0, 1], as Prometheus' histogram_quantile does: it takes values as evenly spread within a
 * bucket, and gives the highest bound for values above it. Gives undefined for an empty histogram.
 */
export function quantile(histogram: Histogram, bounds: readonly number[], q: number): number | undefined {
  const total = histogramCount(histogram);
  if (total === 0) return undefined;
  let below = 0;
  for (const [i, bound] of bounds.entries()) {
    const count = histogram.counts[i] ?? 0;
    if (count > 0 && below + count >= q * total) {
      const lower = bounds[i - 1] ?? 0;
      return lower + (bound - lower) * Math.max(0, (q * total - below) / count);
    }
    below += count;
  }
  return bounds.at(-1);
}

function combine(a: Histogram, b: Histogram, sign: 1 | -1): Histogram {
  if (a.counts.length !== b.counts.length) throw new RangeError('histograms of different bounds');
  const counts = new Array<number>(a.counts.length);
  for (let i = 0; i < counts.length; i++) counts[i] = (a.counts[i] ?? 0) + sign * (b.counts[i] ?? 0);
  return { counts, sum: a.sum + sign * b.sum };
}
