/** The table in user space is bounded, and every sum stays whole. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OTHER, type CostKey } from '../../../model/rows.ts';
import { SIZE_BOUNDS_BYTES, TIME_BOUNDS_NS } from '../../../model/bounds.ts';
import { CostTable } from '../../../engine/bpftrace/cost-table.ts';

const keyOf = (comm: string): CostKey => ({ comm, mechanism: 'fork', syscall: 'clone' });
const spawnsOf = (table: CostTable) => Object.fromEntries(table.rows().map(({ comm, spawns }) => [comm, spawns]));

test('bounds are inclusive, and what is above all of them has its bucket', () => {
  const row = new CostTable({ maxSpawners: 1, idleMs: 1 }).rowOf(keyOf('a'), 1);
  for (const ns of [0, 3_814, 3_815, 256_000_000_000, 256_000_000_001]) row.charges.stall.observe(ns);
  row.charges.copiedRss.observe(4096);
  const { stall, copiedRss } = row.costs();
  assert.deepEqual([stall.counts[0], stall.counts[1], stall.counts[TIME_BOUNDS_NS.length - 1]], [2, 1, 1]);
  assert.deepEqual([stall.counts[TIME_BOUNDS_NS.length], stall.sum], [1, 512_000_007_630]);
  assert.deepEqual([copiedRss.counts[0], copiedRss.counts.length], [1, SIZE_BOUNDS_BYTES.length + 1]);
});

test('what finds the table full is charged to (other)', () => {
  const table = new CostTable({ maxSpawners: 2, idleMs: 1_000 });
  for (const comm of ['a', 'b', 'c', 'd', 'a', 'c']) table.rowOf(keyOf(comm), 1).charges.spawns++;
  assert.deepEqual(spawnsOf(table), { a: 2, b: 1, [OTHER]: 3 });
  assert.deepEqual([table.size, table.rowsFolded], [2, 3]);
});

test('rows long unused give way, and their costs stay in the sum', () => {
  const table = new CostTable({ maxSpawners: 2, idleMs: 1_000 });
  table.rowOf(keyOf('a'), 1).charges.spawns++;
  table.rowOf(keyOf('b'), 900).charges.spawns++;
  table.rowOf(keyOf('c'), 900).charges.spawns++;
  // A charge without a time does not count as use.
  table.rowOf(keyOf('a'), 0).charges.cowFaultsParent++;
  table.evictIdle(1_001);
  assert.deepEqual(spawnsOf(table), { a: 1, b: 1, [OTHER]: 1 });
  assert.deepEqual([table.size, table.rowsEvicted], [1, 1]);
  const evicted = table.rows().find(({ comm }) => comm === 'a');
  assert.deepEqual([evicted?.evicted, evicted?.cowFaultsParent], [true, 1]);
  table.rowOf(keyOf('a'), 1_002).charges.spawns++;
  assert.deepEqual(spawnsOf(table), { a: 2, b: 1, [OTHER]: 1 });
  assert.equal(table.rows().find(({ comm }) => comm === 'a')?.evicted, undefined);
});

test('a table with room keeps what is unused', () => {
  const table = new CostTable({ maxSpawners: 100, idleMs: 1 });
  table.rowOf(keyOf('a'), 1).charges.spawns++;
  table.evictIdle(1_000_000);
  assert.deepEqual(spawnsOf(table), { a: 1 });
});

test('failures are bounded too', () => {
  const table = new CostTable({ maxSpawners: 1, idleMs: 1 });
  const fail = (comm: string) => table.countFailure({ kind: 'exec', comm, syscall: 'clone', errno: 2 });
  for (let i = 0; i < 1030; i++) fail(`c${i}`);
  fail('c0');
  const failures = table.failures();
  assert.equal(failures.length, 1025);
  assert.deepEqual(
    [failures[0]?.count, failures.at(-1)],
    [2, { kind: 'exec', comm: OTHER, syscall: 'clone', errno: 2, count: 6 }],
  );
  assert.equal(table.failuresFolded, 6);
});

test('the slowest spawn is that of the last minute', () => {
  const row = new CostTable({ maxSpawners: 1, idleMs: 1 }).rowOf(keyOf('a'), 1);
  row.noteSlowest({ pid: 1, stallNs: 50, atMs: 0 });
  row.noteSlowest({ pid: 2, stallNs: 40, atMs: 59_999 });
  assert.equal(row.slowest?.pid, 1);
  row.noteSlowest({ pid: 3, stallNs: 40, atMs: 60_000 });
  assert.equal(row.slowest?.pid, 3);
});
