import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HISTOGRAM_BOUNDS } from '../../model/bounds.ts';
import { FIGURES } from '../../model/figures.ts';
import type { Histogram } from '../../model/histogram.ts';
import { renderHistogram } from '../../terminal/histogram.ts';
import { timesOf } from '../../../testing/rows.ts';
import { histogram } from '../../../testing/fake-engine.ts';

const bars = (text: string) => text.split('\n').slice(1, -2);

/** Makes a histogram of one column, with each value a number of times. */
function sizesOf(values: readonly (readonly [bytes: number, count: number])[]): Histogram {
  const parts = values.map(([bytes, count]) => histogram(HISTOGRAM_BOUNDS.sizeHistogram, bytes, count));
  const counts = (parts[0]?.counts ?? []).map((_, i) => parts.reduce((sum, part) => sum + (part.counts[i] ?? 0), 0));
  return { counts, sum: parts.reduce((sum, part) => sum + part.sum, 0) };
}

test('the look of bcc, from the first bucket that holds something to the last', () => {
  assert.equal(
    renderHistogram(timesOf([0, 0, 0, 3, 0, 160, 80], 2_080_000), FIGURES.stall),
    [
      '     time                : count    distribution',
      '    5.39us -> 6.42us     : 3        |                                        |',
      '    6.42us -> 7.63us     : 0        |                                        |',
      '    7.63us -> 9.07us     : 160      |****************************************|',
      '    9.07us -> 10.8us     : 80       |********************                    |',
      'count 243, average 8.56us, p50 ~8.30us, p99 ~10.1us',
      '',
    ].join('\n'),
  );
});

test('neighbours are shown as one where there are too many, between powers of two', () => {
  const lines = bars(
    renderHistogram(
      timesOf(
        Array.from({ length: 26 }, (_, i) => i),
        1e6,
      ),
      FIGURES.stall,
    ),
  );
  assert.equal(lines.length, 13);
  assert.match(lines[0] ?? '', /^ +3.81us -> 5.39us +: 3 /);
  assert.match(lines[1] ?? '', /^ +5.39us -> 7.63us +: 7 /);
  const long = bars(renderHistogram(timesOf([1, ...Array.from({ length: 104 }, () => 1)], 1e12), FIGURES.stall));
  assert.match(long[0] ?? '', /^ +0ns -> 3.81us +: 1 /);
  assert.match(long[1] ?? '', /^ +3.81us -> 15.3us +: 8 /);
  assert.match(long.at(-1) ?? '', /^ +64.0s -> 256s +: 8 /);
  assert.ok(long.length <= 20);
});

test('forks of equal size are told as what they are', () => {
  const text = renderHistogram(sizesOf([[2 ** 30 + 3 * 2 ** 20, 10]]), FIGURES.rss);
  assert.match(text, /^ +1.00GiB -> 1.41GiB +: 10 /m);
  assert.match(text, /count 10, average 1.00GiB, p50 ~1.00GiB, p99 ~1.01GiB/);
});

test('what lies above all bounds has no right bound', () => {
  const [line] = bars(renderHistogram(histogram(HISTOGRAM_BOUNDS.timeHistogram, 300e9, 2), FIGURES.stall));
  assert.match(line ?? '', /^ +256s -> more {7}: 2 /);
});
