import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseClockOffsets } from '../../system/clocks.ts';

test('how far the clocks of a time namespace are ahead, or behind', () => {
  const text = 'monotonic           100000         1\nboottime              -600 999999999\n';
  assert.deepEqual(parseClockOffsets(text), { monotonicNs: 100_000_000_000_001n, bootNs: -599_000_000_001n });
});

test('a kernel without time namespaces has one clock', () => {
  assert.deepEqual(parseClockOffsets(''), { monotonicNs: 0n, bootNs: 0n });
});
