import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addHistograms, histogramCount, quantile, subtractHistograms } from '../../model/histogram.ts';

const bounds = [10, 20, 50];
const histogram = { counts: [4, 4, 0, 2], sum: 300 };

test('sum and difference are inverse', () => {
  const other = { counts: [1, 0, 7, 0], sum: 100 };
  assert.deepEqual(addHistograms(histogram, other), { counts: [5, 4, 7, 2], sum: 400 });
  assert.deepEqual(subtractHistograms(addHistograms(histogram, other), other), histogram);
  assert.equal(histogramCount(histogram), 10);
  assert.throws(() => addHistograms(histogram, { counts: [1], sum: 1 }), RangeError);
});

test('typed arrays serve as counts', () => {
  assert.equal(histogramCount({ counts: new Float64Array([1, 2, 3, 4]), sum: 0 }), 10);
});

test('a quantile lies evenly spread within its bucket', () => {
  assert.equal(quantile(histogram, bounds, 0), 0);
  assert.equal(quantile(histogram, bounds, 0.2), 5);
  assert.equal(quantile(histogram, bounds, 0.4), 10);
  assert.equal(quantile(histogram, bounds, 0.6), 15);
  assert.equal(quantile(histogram, bounds, 0.8), 20);
});

test('what lies above all bounds gives the highest bound, and nothing gives nothing', () => {
  assert.equal(quantile(histogram, bounds, 0.99), 50);
  assert.equal(quantile({ counts: [0, 0, 0, 0], sum: 0 }, bounds, 0.5), undefined);
});
