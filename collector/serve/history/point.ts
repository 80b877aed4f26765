/** One point of the history: what spawning cost between two snapshots, as compact JSON of a bounded size. */
import type { ColumnGroup } from '../../model/columns.ts';
import { addCosts, unfedColumns, type Costs } from '../../model/costs.ts';
import { filledSlots } from '../../model/histogram.ts';
import { isFed, OTHER, rowKey, rowsSince, sumBy, type CostRow, type FailureRow } from '../../model/rows.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { MECHANISMS, type Mechanism } from '../../model/spawn.ts';
import { errnoName } from '../../system/errno.ts';

/** The values of a row of a point, in their order. */
export const ROW_FIELDS = [
  'comm',
  'id',
  'mechanism',
  'spawns',
  'stall_ns',
  'copy_ns',
  'avoidable_stall_ns',
  'copied_rss_bytes',
  'copied_page_table_bytes',
  'cow_faults_parent',
  'cow_faults_child',
  'stall_slots',
  'sibling_wait_ns',
] as const;

/** The values of a failure of a point, in their order. */
export const FAILURE_FIELDS = ['kind', 'comm', 'id', 'errno', 'count'] as const;

export interface PointOptions {
  readonly seq: number;
  readonly absent: ReadonlyMap<ColumnGroup, string>;
  readonly maxBytes: number;
}

export interface Point {
  readonly seq: number;
  /** The ids of its rows and failures; none if the engine has no label. */
  readonly ids: readonly string[];
  readonly json: Buffer;
}

interface Spawner {
  readonly comm: string;
  readonly id: string | undefined;
  readonly mechanism: Mechanism;
}

/** Room for the rows `(other)` of every mechanism, whose histograms may be full, and for the failures `(other)`. */
const OTHER_BYTES = 4000;
const FAILURE_BYTES = 2000;

/**
 * Spawners beyond `maxBytes` are summed up as `(other)`, those of the least stall first, so sums stay whole. `maxBytes` is at
 * least 7000.
 */
export function encodePoint(later: Snapshot, earlier: Snapshot, { seq, absent, maxBytes }: PointOptions): Point {
  const costs = changedSince(later.rows, earlier.rows);
  const failed = failuresSince(later.failures, earlier.failures, absent);
  const failures = withinBytes(failed, FAILURE_BYTES, encodeFailure, foldFailures);
  const spawners = [...bySpawner(costs)].toSorted(([, a], [, b]) => b.stall.sum - a.stall.sum || b.spawns - a.spawns);
  const encodeRow = rowEncoder(absent);
  const rows = withinBytes(spawners, maxBytes - OTHER_BYTES - FAILURE_BYTES, encodeRow, foldRows);
  const head = {
    seq,
    at_ms: later.atMs,
    span_ms: later.atMs - earlier.atMs,
    rows_folded: rows.folded,
    failures_folded: failures.folded,
  };
  const text = `${JSON.stringify(head).slice(0, -1)},"rows":[${rows.texts.join()}],"failures":[${failures.texts.join()}]}`;
  const ids = [...costs, ...failed].flatMap(({ id }) => id ?? []);
  return { seq, ids: [...new Set(ids)], json: exactBuffer(text) };
}

/** Rows that stayed as they were are not subtracted: in a large table, most of them. */
function changedSince(later: readonly CostRow[], earlier: readonly CostRow[]): CostRow[] {
  const before = new Map(earlier.map((row) => [rowKey(row), row]));
  const unchanged = new Set<CostRow>();
  for (const row of later) {
    const old = before.get(rowKey(row));
    if (old && isSame(row, old)) unchanged.add(row).add(old);
  }
  const changed = (row: CostRow) => !unchanged.has(row);
  return rowsSince(later.filter(changed), earlier.filter(changed));
}

/** Every count that can change changes one of these. */
function isSame(a: CostRow, b: CostRow): boolean {
  return (
    a.spawns === b.spawns &&
    a.stall.sum === b.stall.sum &&
    a.copyNs === b.copyNs &&
    a.cowFaultsParent === b.cowFaultsParent &&
    a.cowFaultsChild === b.cowFaultsChild &&
    a.avoidableStallNs === b.avoidableStallNs &&
    a.siblingWait.sum === b.siblingWait.sum
  );
}

function bySpawner(rows: readonly CostRow[]): Map<Spawner, Costs> {
  const spawners = new Map<string, Spawner>();
  return sumBy(rows, ({ comm, id, mechanism }) => {
    const key = JSON.stringify([comm, id, mechanism]);
    const spawner = spawners.get(key) ?? { comm, id, mechanism };
    spawners.set(key, spawner);
    return spawner;
  });
}

function rowEncoder(absent: ReadonlyMap<ColumnGroup, string>): (row: readonly [Spawner, Costs]) => string {
  const unfed = new Set(unfedColumns(absent));
  const ifFed = (name: Parameters<typeof unfed.has>[0], value: unknown) => (unfed.has(name) ? null : value);
  return ([{ comm, id, mechanism }, costs]) =>
    JSON.stringify([
      comm,
      id ?? null,
      mechanism,
      ifFed('spawns', costs.spawns),
      ifFed('stall', costs.stall.sum),
      ifFed('copyNs', costs.copyNs),
      ifFed('avoidableStallNs', costs.avoidableStallNs),
      ifFed('copiedRss', costs.copiedRss.sum),
      ifFed('copiedPageTableBytes', costs.copiedPageTableBytes),
      ifFed('cowFaultsParent', costs.cowFaultsParent),
      ifFed('cowFaultsChild', costs.cowFaultsChild),
      ifFed('stall', filledSlots(costs.stall).flat()),
      ifFed('siblingWait', costs.siblingWait.sum),
    ]);
}

function encodeFailure({ kind, comm, id, errno, count }: Failure): string {
  return JSON.stringify([kind, comm, id ?? null, errno, count]);
}

interface Failure extends Pick<FailureRow, 'kind' | 'comm' | 'count'> {
  readonly id: string | undefined;
  readonly errno: string;
}

function failuresSince(
  later: readonly FailureRow[],
  earlier: readonly FailureRow[],
  absent: ReadonlyMap<ColumnGroup, string>,
): Failure[] {
  const keyOf = ({ kind, comm, id, errno }: FailureRow) => JSON.stringify([kind, comm, id, errno]);
  const sums = new Map<string, { row: FailureRow; count: number }>();
  const add = (row: FailureRow, sign: 1 | -1) => {
    const sum = sums.get(keyOf(row)) ?? { row, count: 0 };
    sum.count += sign * row.count;
    sums.set(keyOf(row), sum);
  };
  for (const row of later) add(row, 1);
  for (const row of earlier) add(row, -1);
  return [...sums.values()]
    .filter(({ row, count }) => count > 0 && isFed(row, absent))
    .map(({ row: { kind, comm, id, errno }, count }) => ({ kind, comm, id, errno: errnoName(errno), count }))
    .toSorted((a, b) => b.count - a.count);
}

function foldRows(rows: readonly (readonly [Spawner, Costs])[]): (readonly [Spawner, Costs])[] {
  return MECHANISMS.flatMap((mechanism) => {
    const costs = rows.filter(([spawner]) => spawner.mechanism === mechanism).map(([, value]) => value);
    return costs.length === 0 ? [] : [[{ comm: OTHER, id: undefined, mechanism }, costs.reduce(addCosts)] as const];
  });
}

function foldFailures(failures: readonly Failure[]): Failure[] {
  return (['spawn', 'exec'] as const).flatMap((kind) => {
    const count = failures.filter((failure) => failure.kind === kind).reduce((sum, failure) => sum + failure.count, 0);
    return count === 0 ? [] : [{ kind, comm: OTHER, id: undefined, errno: OTHER, count }];
  });
}

interface Bounded {
  readonly texts: readonly string[];
  /** How many values are in what `fold` made. */
  readonly folded: number;
}

/** Encodes values until `maxBytes` are full, and folds the rest. */
function withinBytes<T>(
  values: readonly T[],
  maxBytes: number,
  encode: (value: T) => string,
  fold: (rest: readonly T[]) => readonly T[],
): Bounded {
  const texts: string[] = [];
  let bytes = 0;
  for (const value of values) {
    const text = encode(value);
    bytes += Buffer.byteLength(text) + 1;
    if (bytes > maxBytes) break;
    texts.push(text);
  }
  const rest = values.slice(texts.length);
  return { texts: [...texts, ...fold(rest).map(encode)], folded: rest.length };
}

/** A buffer of its own memory: one of the pool would keep its neighbours alive. */
function exactBuffer(text: string): Buffer {
  const buffer = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  buffer.write(text);
  return buffer;
}
