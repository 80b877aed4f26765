import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from './aims.ts';
import { makeCases } from './cases.ts';
import type { Result } from './results.ts';
import { quantilesOf } from './samples.ts';
import { renderSvg } from './svg.ts';
import { renderResults } from './table.ts';

test('quantiles are nearest ranks, so always values that were measured', () => {
  const values = Array.from({ length: 200 }, (_, i) => 200 - i);
  assert.deepEqual(quantilesOf(values), { p50: 100, p99: 198, max: 200, count: 200 });
  assert.deepEqual(quantilesOf([7]), { p50: 7, p99: 7, max: 7, count: 1 });
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
  assert.match(svg, />a &lt; b &amp; c</);
  assert.deepEqual(
    [...svg.matchAll(/>([\d.]+ (?:s|ms|µs))</g)].map(([, label]) => label),
    ['10 µs', '100 µs', '1 ms', '10 ms'],
    'whole decades around what was measured',
  );
  for (const colour of ['#c62828', '#a0660a', '#888888', '#1565c0'])
    assert.equal(svg.match(new RegExp(`stroke="${colour}"`, 'g'))?.length, 1, `one line in ${colour}`);
});

function sample(mechanism: string, stall: number) {
  return { mechanism, stall, exec: stall, exit: stall };
}
