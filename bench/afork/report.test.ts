import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from './aims.ts';
import { makeCases } from './cases.ts';
import type { Result } from './results.ts';
import { quantilesOf } from './samples.ts';
import { decadesAround, position, renderSvg } from './svg.ts';
import { renderResults } from './table.ts';

test('quantiles are nearest ranks, so always values that were measured', () => {
  const values = Array.from({ length: 200 }, (_, i) => 200 - i);
  assert.deepEqual(quantilesOf(values), { p50: 100, p99: 198, max: 200, count: 200 });
  assert.deepEqual(quantilesOf([7]), { p50: 7, p99: 7, max: 7, count: 1 });
});

test('the scale has whole decades, with equal room for each', () => {
  const scale = decadesAround([20_000, 3_000_000]);
  assert.deepEqual(scale, { low: 10_000, high: 10_000_000 });
  const step = position(scale, 100_000) - position(scale, 10_000);
  assert.ok(Math.abs(position(scale, 10_000_000) - position(scale, 1_000_000) - step) < 1e-6);
});

test('losing rows and unmeasured cases are in the table; ratios of what was not measured are no verdicts', () => {
  const [small, ...others] = makeCases({ full: false, only: 'C' });
  assert.ok(small);
  const results: Result[] = [
    {
      measured: small,
      samples: [
        sample('fork', 4e6),
        sample('posix_spawn', 6e5),
        sample('clone(CLONE_VM)', 1e4),
        sample('afork_spawn', 3e4),
      ],
    },
    ...others.map((measured) => ({ measured, samples: [], skipped: 'no <gate>' })),
  ];
  const table = renderResults(results, 'C');
  assert.match(table, /^\| 16 MB +\| fork +\| 4\.00 \/ 4\.00 \/ 4\.00 +\|/m);
  assert.equal(table.match(/not measured: no <gate>/g)?.length, others.length);
  assert.deepEqual(
    judge(results).map(({ ratio, most, met }) => ({ ratio, most, met })),
    [
      { ratio: 3, most: undefined, met: false },
      { ratio: 20, most: 60, met: true },
    ],
  );
  const svg = renderSvg(results, 'a < b & c');
  assert.equal(svg.match(/<g><title>/g)?.length, 4);
  assert.match(svg, />a &lt; b &amp; c</);
});

function sample(mechanism: string, stall: number) {
  return { mechanism, stall, exec: stall, exit: stall };
}
