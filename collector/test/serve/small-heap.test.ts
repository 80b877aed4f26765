import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { keepHeapSmall } from '../../serve/small-heap.ts';

const garbage = (): WeakRef<object> => {
  const values = Array.from({ length: 200_000 }, (_, index) => ({ index }));
  return new WeakRef(values);
};

test('garbage is collected when enough of it has come together', async (t) => {
  const kept = keepHeapSmall(10);
  t.after(() => kept[Symbol.dispose]());
  await sleep(50); // until it has looked for the first time
  const collected = garbage();
  while (collected.deref()) await sleep(10);
  assert.ok(true, 'nothing else is allocated here, so V8 by itself has no reason to');
});
