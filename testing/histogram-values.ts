/** Histograms of known values, for tests. */
import { HISTOGRAM_BOUNDS, SCALES, type HistogramKind } from '../collector/model/bounds.ts';
import { slotOf, type Histogram } from '../collector/model/histogram.ts';

export function histogramOf(values: readonly number[], kind: HistogramKind): Histogram {
  const counts = Array.from({ length: HISTOGRAM_BOUNDS[kind].length + 1 }, () => 0);
  for (const value of values) {
    const slot = slotOf(HISTOGRAM_BOUNDS[kind], value);
    counts[slot] = (counts[slot] ?? 0) + 1;
  }
  return { counts, sum: values.reduce((sum, value) => sum + value, 0) };
}

/** From none to `most` values of every size, whole, many of them bounds or beside one. */
export function randomValues(kind: HistogramKind, random: () => number, most = 500): number[] {
  const { lowest, highest, unitsPerBase } = SCALES[kind];
  return Array.from({ length: Math.floor(random() ** 3 * (most + 1)) }, () => {
    if (random() < 0.05) return 0;
    const power = lowest - 3 + random() * (highest - lowest + 5);
    const value = Math.floor(2 ** (random() < 0.3 ? Math.round(power) : power) * unitsPerBase);
    return Math.min(Math.max(0, value + Math.floor(random() * 3) - 1), Number.MAX_SAFE_INTEGER);
  });
}
