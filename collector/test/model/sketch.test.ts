import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sketch } from '../../model/sketch.ts';

test('quantiles are right within 2 %, sum and maximum are exact', () => {
  const sketch = new Sketch();
  for (let value = 1; value <= 100_000; value++) sketch.add(value * 1000);
  assert.deepEqual([sketch.count, sketch.sum, sketch.max], [100_000, 5_000_050_000_000, 100_000_000]);
  for (const q of [0.01, 0.5, 0.99]) {
    const error = (sketch.quantile(q) ?? 0) / (q * 100_000_000) - 1;
    assert.ok(Math.abs(error) < 0.02, `${q}: ${error}`);
  }
});

test('the extremes lie within what was added', () => {
  const sketch = new Sketch();
  for (const value of [0, 7, 1e10 + 1]) sketch.add(value);
  assert.equal(sketch.quantile(0), 1);
  assert.equal(sketch.quantile(1), 1e10 + 1);
});

test('nothing has no quantile', () => {
  assert.equal(new Sketch().quantile(0.5), undefined);
});
