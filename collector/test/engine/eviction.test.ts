import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EvictedRows } from '../../engine/shared/eviction.ts';
import { EVICTED, type CostRow } from '../../model/rows.ts';
import { costRow } from '../../../testing/rows.ts';

const shown = (rows: readonly CostRow[]) => rows.map(({ comm, spawns, evicted = false }) => [comm, spawns, evicted]);

test('a row that left keeps its name, and continues when it comes back', () => {
  const evicted = new EvictedRows(4);
  evicted.add(costRow({ comm: 'a', spawns: 5 }));
  assert.deepEqual(shown(evicted.complete([])), [['a', 5, true]]);
  assert.deepEqual(shown(evicted.complete([costRow({ comm: 'a', spawns: 1 })])), [['a', 6, false]]);
  evicted.add(costRow({ comm: 'a', spawns: 2 }));
  assert.deepEqual(shown(evicted.complete([])), [['a', 7, true]]);
});

test('what has no place is summed up, the row that was away longest first', () => {
  const evicted = new EvictedRows(1);
  for (const comm of ['a', 'b']) evicted.add(costRow({ comm, spawns: 1 }));
  // That one is in the table: it is needed.
  assert.deepEqual(shown(evicted.complete([costRow({ comm: 'a', spawns: 3 })])), [
    ['a', 4, false],
    ['b', 1, true],
  ]);
  for (const comm of ['c', 'd']) evicted.add(costRow({ comm, spawns: 10 }));
  assert.deepEqual(shown(evicted.complete([])), [
    ['c', 10, true],
    ['d', 10, true],
    [EVICTED, 2, true],
  ]);
});
