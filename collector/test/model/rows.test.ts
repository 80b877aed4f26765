import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EVICTED, mergeAlike, OTHER, rowsSince, sumBy } from '../../model/rows.ts';
import { NO_COSTS, addCosts, subtractCosts } from '../../model/costs.ts';
import { costRow, timesOf } from '../../../testing/rows.ts';

const full = costRow({
  spawns: 3,
  copyNs: 5,
  copiedPageTableBytes: 7,
  cowFaultsParent: 11,
  cowFaultsChild: 13,
  cowFaultsParentNs: 14,
  cowFaultsChildNs: 15,
  childFaults: 17,
  execStallNs: 19,
  execStalls: 2,
  avoidableStallNs: 23,
  stall: timesOf([1, 2], 29),
  execDelay: timesOf([2], 31),
  lifetime: timesOf([3], 37, 'lifetime'),
});

test('every cost is added and subtracted', () => {
  const twice = addCosts(full, full);
  for (const [field, value] of Object.entries(full)) {
    if (typeof value === 'number') assert.equal(Reflect.get(twice, field), 2 * value, field);
  }
  assert.equal(twice.stall.sum, 58);
  assert.deepEqual(twice.lifetime.counts, timesOf([6], 0, 'lifetime').counts);
  const { comm: _comm, mechanism: _mechanism, syscall: _syscall, ...costs } = full;
  assert.deepEqual(subtractCosts(twice, full), costs);
  assert.deepEqual(addCosts(NO_COSTS, full), costs);
});

test('rows are summed by any key', () => {
  const rows = [full, costRow({ comm: 'sh', spawns: 1 }), costRow({ mechanism: 'vfork', syscall: 'vfork', spawns: 4 })];
  const spawns = [...sumBy(rows, (row) => row.mechanism)].map(([key, costs]) => [key, costs.spawns]);
  assert.deepEqual(spawns, [
    ['fork', 4],
    ['vfork', 4],
  ]);
});

test('the difference of snapshots has only the rows that changed', () => {
  const idle = costRow({ comm: 'idle', spawns: 9 });
  const later = [addRow(full), idle, costRow({ comm: 'new', spawns: 1 })];
  const since = rowsSince(later, [full, idle]);
  assert.deepEqual(
    since.map(({ comm, spawns }) => [comm, spawns]),
    [
      ['node', 3],
      ['new', 1],
    ],
  );
  assert.equal(since[0]?.stall.sum, 29);
});

test('a row whose children only ended has changed', () => {
  const [since] = rowsSince([{ ...full, lifetime: timesOf([4], 40, 'lifetime') }], [full]);
  assert.equal(since?.spawns, 0);
  assert.equal(since?.lifetime.sum, 3);
});

test('an evicted row that is forgotten is not charged a second time', () => {
  const forgotten = costRow({ comm: EVICTED, spawns: 10 });
  const [since] = rowsSince([{ ...forgotten, spawns: 14 }], [full, forgotten]);
  assert.equal(since?.comm, EVICTED);
  assert.equal(since?.spawns, 1);
});

test('a row that was evicted, forgotten, and came back counts from nothing', () => {
  const forgotten = costRow({ comm: EVICTED, spawns: 10 });
  const since = rowsSince([costRow({ spawns: 1 }), { ...forgotten, spawns: 14 }], [full, forgotten]);
  assert.deepEqual(
    since.map(({ comm, spawns }) => [comm, spawns]),
    [
      ['node', 1],
      [EVICTED, 1],
    ],
  );
});

function addRow(row: typeof full): typeof full {
  return { ...row, ...addCosts(row, row) };
}

test('rows whose names look alike are added', () => {
  const slowest = { pid: 2, stallNs: 9, atMs: 3 };
  const alike = [
    costRow({ comm: 'zz\u{fffd}', spawns: 3, copyNs: 1 }),
    costRow({ comm: 'sh', spawns: 1 }),
    costRow({ comm: 'zz\u{fffd}', spawns: 4, slowest }),
    costRow({ comm: 'zz\u{fffd}', mechanism: 'vfork', spawns: 5 }),
    costRow({ comm: OTHER, id: '7', spawns: 6 }),
    costRow({ comm: OTHER, spawns: 7 }),
  ];
  const merged = mergeAlike(alike).map(({ comm, mechanism, spawns, copyNs }) => [comm, mechanism, spawns, copyNs]);
  assert.deepEqual(merged, [
    ['sh', 'fork', 1, 0],
    ['zz\u{fffd}', 'fork', 7, 1],
    ['zz\u{fffd}', 'vfork', 5, 0],
    [OTHER, 'fork', 13, 0],
  ]);
  assert.deepEqual(
    mergeAlike(alike).find(({ comm, mechanism }) => comm !== 'sh' && mechanism === 'fork')?.slowest,
    slowest,
  );
});
