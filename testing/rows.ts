import type { CostRow } from '../collector/model/rows.ts';
import type { Histogram } from '../collector/model/histogram.ts';
import { NO_COSTS } from '../collector/model/costs.ts';

/** A row of nothing but what is given. */
export function costRow(given: Partial<CostRow> = {}): CostRow {
  return { comm: 'node', mechanism: 'fork', syscall: 'clone', ...NO_COSTS, ...given };
}

/** Counts in the first buckets of a column, zero in the others; the sum is given. */
export function timesOf(first: readonly number[], sum: number, column: 'stall' | 'lifetime' = 'stall'): Histogram {
  const counts = Array.from(NO_COSTS[column].counts, (_, i) => first[i] ?? 0);
  return { counts, sum };
}
