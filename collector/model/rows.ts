/** Rows of the cost table, and arithmetic on them. */
import type { ColumnGroup } from './columns.ts';
import { addCosts, isCharged, NO_COSTS, subtractCosts, unfedColumns, type Costs } from './costs.ts';
import type { Mechanism, SpawnSyscall } from './spawn.ts';

/** The `comm` of the rows that hold the costs that found no row of their own. */
export const OTHER = '(other)';

/** The `comm` of the rows that sum up what rows held that left a full table and are no longer remembered by name. */
export const EVICTED = '(evicted)';

export interface CostKey {
  readonly comm: string;
  readonly mechanism: Mechanism;
  readonly syscall: SpawnSyscall;
  /** The cgroup id or pid, decimal. Present if the engine was opened with that label. */
  readonly id?: string;
}

export interface SlowestSpawn {
  readonly pid: number;
  readonly stallNs: number;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
}

export interface CostRow extends CostKey, Costs {
  readonly slowest?: SlowestSpawn;
  /** The row was idle and left the full table. Its costs stay as they are until it comes back. */
  readonly evicted?: boolean;
}

export interface FailureRow {
  /** `spawn`: the call itself failed. `exec`: an exec failed in a child before its first successful one; its spawner is charged. */
  readonly kind: 'spawn' | 'exec';
  readonly comm: string;
  readonly syscall: SpawnSyscall;
  readonly id?: string;
  /** A positive number. */
  readonly errno: number;
  readonly count: number;
}

/** Whether failures of this kind are seen: a hook feeds them. */
export function isFed({ kind }: Pick<FailureRow, 'kind'>, absent: Pick<ReadonlySet<ColumnGroup>, 'has'>): boolean {
  return !absent.has(kind === 'exec' ? 'execFailures' : 'stall');
}

/** Whether a row holds the costs of several spawners that have no rows of their own. */
export function isSum({ comm }: Pick<CostKey, 'comm'>): boolean {
  return comm === OTHER || comm === EVICTED;
}

/** Adds up the costs of all rows for which `keyOf` gives the same key. */
export function sumBy<K>(rows: readonly CostRow[], keyOf: (row: CostRow) => K): Map<K, Costs> {
  const sums = new Map<K, Costs>();
  for (const row of rows) {
    const key = keyOf(row);
    sums.set(key, addCosts(sums.get(key) ?? NO_COSTS, row));
  }
  return sums;
}

/**
 * Adds up rows that are told apart by bytes alone: names that are no UTF-8 look alike once they are text, and a process may
 * call itself `(other)`. Whatever keeps rows by key would lose all but one of them.
 */
export function mergeAlike(rows: readonly CostRow[]): CostRow[] {
  const merged = new Map<string, CostRow>();
  const unique = rows.filter((row) => {
    if (!row.comm.includes('\u{fffd}') && !isSum(row)) return true;
    const key = rowKey(row);
    const before = merged.get(key);
    merged.set(key, before ? addRows(before, row) : row);
    return false;
  });
  return [...unique, ...merged.values()];
}

/** Gives the sum of two rows with the key of the first, and the slowest spawn of both. */
function addRows(a: CostRow, b: CostRow): CostRow {
  const slowest = (a.slowest?.stallNs ?? 0) >= (b.slowest?.stallNs ?? 0) ? a.slowest : b.slowest;
  return { ...a, ...addCosts(a, b), ...(slowest && { slowest }) };
}

/**
 * Gives the costs of each row between two snapshots, without rows that cost nothing. A row that was evicted in between
 * is still there. If it is no longer remembered by name, it is part of `(evicted)` in the later snapshot, so its earlier costs are
 * subtracted there and every sum stays whole.
 */
export function rowsSince(later: readonly CostRow[], earlier: readonly CostRow[]): CostRow[] {
  const before = new Map(earlier.map((row) => [rowKey(row), row]));
  const differences = new Map<string, CostRow>();
  for (const row of later) {
    const key = rowKey(row);
    const old = before.get(key);
    if (old && old.spawns > row.spawns) differences.set(key, row);
    else {
      differences.set(key, old ? { ...row, ...subtractCosts(row, old) } : row);
      before.delete(key);
    }
  }
  for (const forgotten of before.values()) {
    const key = rowKey({ ...forgotten, comm: EVICTED });
    const sum = differences.get(key);
    if (sum) differences.set(key, { ...sum, ...subtractCosts(sum, forgotten) });
  }
  return [...differences.values()].filter(isCharged);
}

/** Gives a row without the columns that no attached hook feeds: they are absent, not zero. */
export function measuredPart(row: CostRow, absent: ReadonlyMap<ColumnGroup, string>): Partial<CostRow> {
  const shown: { -readonly [Name in keyof CostRow]?: CostRow[Name] } = { ...row };
  for (const name of unfedColumns(absent)) delete shown[name];
  if (absent.has('stall')) delete shown.slowest;
  return shown;
}

/** Tells rows apart. All rows named `(other)`, or `(evicted)`, of one mechanism and system call are the same row. */
export function rowKey(key: CostKey): string {
  const id = isSum(key) ? '' : (key.id ?? '');
  return JSON.stringify([key.comm, key.mechanism, key.syscall, id]);
}
