/** The summary of many runs: the median and the quartiles. */

export interface Summary {
  readonly median: number;
  /** The first and the third quartile. Half of the runs are between them. */
  readonly low: number;
  readonly high: number;
  readonly runs: number;
}

export function summarize(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (fraction: number): number => sorted[Math.round((sorted.length - 1) * fraction)] ?? NaN;
  return { median: median(values), low: at(0.25), high: at(0.75), runs: values.length };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** Shuffles by Fisher and Yates, so that no tool is always measured first. */
export function shuffled<T>(items: readonly T[]): T[] {
  const keyed = items.map((item) => ({ item, key: Math.random() }));
  return keyed.toSorted((a, b) => a.key - b.key).map(({ item }) => item);
}
