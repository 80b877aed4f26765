/** What one spawn took, in nanoseconds from the call. What was not measured is 0. */
export interface Sample {
  readonly mechanism: string;
  /** For which the caller stood still. */
  readonly stall: number;
  /** Until the first instruction of the child's program. */
  readonly exec: number;
  /** Until the caller knew of the child's exit. */
  readonly exit: number;
  /** C: the longest mmap() of another thread meanwhile. */
  readonly map?: number;
  /** Node: the longest delay of the event loop meanwhile, of a timer of 1 ms. */
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

/** The nearest rank: always a value that was measured. */
function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? NaN;
}

export function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, key: Math.random() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ value }) => value);
}
