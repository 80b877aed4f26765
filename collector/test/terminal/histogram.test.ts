import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIGURES } from '../../model/figures.ts';
import { NO_COSTS } from '../../model/costs.ts';
import { renderHistogram } from '../../terminal/histogram.ts';
import { timesOf } from '../../../testing/rows.ts';

test('the look of bcc, from the first bucket that holds something to the last', () => {
  const histogram = timesOf([0, 0, 0, 3, 0, 160, 80], 10_000_000);
  assert.equal(
    renderHistogram(histogram, FIGURES.stall),
    [
      '     usecs               : count    distribution',
      '         5 -> 10         : 3        |                                        |',
      '        10 -> 20         : 0        |                                        |',
      '        20 -> 50         : 160      |****************************************|',
      '        50 -> 100        : 80       |********************                    |',
      'count 243, average 41.2us, p50 ~42.2us, p99 ~98.5us',
      '',
    ].join('\n'),
  );
});

test('sizes are in KiB', () => {
  const counts = Array.from(NO_COSTS.copiedRss.counts, (_, i) => (i === 14 ? 1 : 0));
  const [, line] = renderHistogram({ counts, sum: 2 ** 40 }, FIGURES.rss).split('\n');
  assert.equal(line, ' 268435456 -> 1073741824 : 1        |****************************************|');
});

test('what lies above all bounds has no right bound', () => {
  const counts = Array.from(NO_COSTS.stall.counts, (_, i) => (i === 22 ? 2 : 0));
  const [, line] = renderHistogram({ counts, sum: 22e9 }, FIGURES.stall).split('\n');
  assert.match(line ?? '', /^ {2}10000000 -> more {7}: 2 /);
});
