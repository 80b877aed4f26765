/** The times of one spawn, in nanoseconds from the call. A time that was not measured is 0. */
export interface Sample {
  readonly mechanism: string;
  /** How long the caller stood still. */
  readonly stall: number;
  /** The time until the first instruction of the child's program. */
  readonly exec: number;
  /** The time until the caller learned of the child's exit. */
  readonly exit: number;
  /** C: the longest mmap() of another thread in that time. */
  readonly map?: number;
  /** Node: the longest delay of the event loop in that time, by a timer of 1 ms. */
  readonly loop?: number;
}

export type Measure = 'stall' | 'exec' | 'exit' | 'map' | 'loop';

export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly count: number;
}

export function quantilesOf(values: readonly number[]): Quantiles {
  const sorted = values.toSorted((a, b) => a - b);
  return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), max: sorted.at(-1) ?? NaN, count: sorted.length };
}

/** Gives the nearest rank, which is always a measured value. */
function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? NaN;
}

export function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, key: Math.random() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ value }) => value);
}
