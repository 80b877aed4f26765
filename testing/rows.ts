import type { CostRow } from '../collector/model/rows.ts';
import type { Histogram } from '../collector/model/histogram.ts';
import { NO_COSTS } from '../collector/model/costs.ts';

/** Makes a row with only the given values. */
export function costRow(given: Partial<CostRow> = {}): CostRow {
  return { comm: 'node', mechanism: 'fork', syscall: 'clone', ...NO_COSTS, ...given };
}

/** Makes a histogram with counts in the first buckets of a column and zero in the others, and a given sum. */
export function timesOf(first: readonly number[], sum: number, column: 'stall' | 'lifetime' = 'stall'): Histogram {
  const counts = Array.from(NO_COSTS[column].counts, (_, i) => first[i] ?? 0);
  return { counts, sum };
}
