import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HISTOGRAM_BOUNDS } from '../../model/bounds.ts';
import {
  addHistograms,
  filledBuckets,
  histogramCount,
  quantile,
  slotOf,
  subtractHistograms,
  type Histogram,
} from '../../model/histogram.ts';
import { generator } from '../../../testing/random.ts';

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

test('filled buckets have both bounds', () => {
  assert.deepEqual(filledBuckets(histogram, bounds), [
    { gt: 0, le: 10, count: 4 },
    { gt: 10, le: 20, count: 4 },
    { gt: 50, le: null, count: 2 },
  ]);
});

test('a slot ends with its bound', () => {
  assert.deepEqual(
    [0, 10, 11, 20, 50, 51].map((value) => slotOf(bounds, value)),
    [0, 0, 1, 1, 2, 3],
  );
});

test('a quantile lies evenly spread within its bucket while the sum says nothing else', () => {
  assert.equal(quantile(histogram, bounds, 0), 0);
  assert.equal(quantile(histogram, bounds, 0.2), 5);
  assert.equal(quantile(histogram, bounds, 0.4), 10);
  assert.equal(quantile(histogram, bounds, 0.6), 15);
  assert.equal(quantile(histogram, bounds, 0.8), 20);
});

test('a quantile follows the sum', () => {
  assert.equal(quantile({ counts: [0, 4, 0, 0], sum: 44 }, bounds, 0.5), 11);
  assert.equal(quantile({ counts: [0, 4, 0, 0], sum: 44 }, bounds, 1), 12);
  assert.equal(quantile({ counts: [0, 4, 0, 0], sum: 80 }, bounds, 0.01), 20);
  assert.equal(quantile({ counts: [0, 0, 2, 0], sum: 70 }, bounds, 0.5), 35);
});

test('what lies above all bounds gives the highest bound, and nothing gives nothing', () => {
  assert.equal(quantile(histogram, bounds, 0.99), 50);
  assert.equal(quantile({ counts: [0, 0, 0, 0], sum: 0 }, bounds, 0.5), undefined);
});

test('a quantile of a single value is that value; none is above the largest one', () => {
  for (const q of [0, 0.5, 0.99, 1]) assert.equal(quantile({ counts: [0, 1, 0, 0], sum: 13 }, bounds, q), 13);
  assert.equal(quantile({ counts: [0, 2, 0, 0], sum: 30 }, bounds, 1), 20);
  assert.equal(quantile({ counts: [0, 2, 0, 0], sum: 30 }, bounds, 1, 16), 16);
  assert.equal(quantile({ counts: [0, 0, 2, 0], sum: 98 }, bounds, 0), 48, 'the other one cannot be above 50');
});

test('quantiles err by no more than a slot is wide, whatever the values', () => {
  const random = generator(3);
  const times = HISTOGRAM_BOUNDS.timeHistogram;
  for (let round = 0; round < 100; round++) {
    const width = 2 ** (random() * 20);
    const values = Array.from({ length: 1 + Math.floor(random() * 200) }, () => Math.floor(5_000 * width ** random()));
    const estimate = (q: number) => quantile(histogramOf(values, times), times, q) ?? NaN;
    const sorted = values.toSorted((a, b) => a - b);
    for (const q of [0.01, 0.5, 0.9, 0.99, 1]) {
      const exact = sorted[Math.max(0, Math.ceil(q * values.length) - 1)] ?? 0;
      assert.ok(estimate(q) >= exact / 1.19 && estimate(q) <= exact * 1.19, `${q}: ${estimate(q)} of ${exact}`);
    }
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    if (sorted[0] === sorted.at(-1)) assert.ok(Math.abs(estimate(0.99) - mean) < 1);
  }
});

function histogramOf(values: readonly number[], upTo: readonly number[]): Histogram {
  const counts = Array.from({ length: upTo.length + 1 }, () => 0);
  for (const value of values) {
    const slot = slotOf(upTo, value);
    counts[slot] = (counts[slot] ?? 0) + 1;
  }
  return { counts, sum: values.reduce((sum, value) => sum + value, 0) };
}
