import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBytes, formatCount, formatDuration } from '../../terminal/format.ts';

test('durations have three digits and the unit that suits them', () => {
  const expected: [number, string][] = [
    [0, '0ns'],
    [999, '999ns'],
    [1_000, '1.00us'],
    [43_100, '43.1us'],
    [999_400, '999us'],
    [999_600, '1.00ms'],
    [9_996_000, '10.0ms'],
    [99_960_000, '100ms'],
    [1.5e9, '1.50s'],
    [9_999e9, '9999s'],
    [36_000e9, '10.0h'],
  ];
  for (const [ns, text] of expected) assert.equal(formatDuration(ns), text);
});

test('no duration up to a month is wider than six characters, no size up to a PiB wider than seven', () => {
  for (let ns = 1; ns < 2.6e15; ns *= 1.07) assert.ok(formatDuration(ns).length <= 6, formatDuration(ns));
  for (let bytes = 1; bytes < 2 ** 50; bytes *= 1.07) assert.ok(formatBytes(bytes).length <= 7, formatBytes(bytes));
});

test('sizes are binary', () => {
  assert.equal(formatBytes(0), '0B');
  assert.equal(formatBytes(4096), '4.00KiB');
  assert.equal(formatBytes(1023 * 1024), '1023KiB');
  assert.equal(formatBytes(1024 * 1024 - 1), '1.00MiB');
  assert.equal(formatBytes(1.2 * 2 ** 30), '1.20GiB');
});

test('counts are grouped', () => {
  assert.equal(formatCount(1234567), '1,234,567');
});
