/**
 * Measures what afork saves: npm run bench:afork. Prints tables. A run of all cases of both sides also writes them, with a
 * picture, to docs/afork-bench.md and .svg. The exec gate needs root; without it, that case is left out.
 */
import { writeFileSync } from 'node:fs';
import { numberOf, scriptFlags, wrongFlag } from '../testing/script-flags.ts';
import { judge } from './afork/aims.ts';
import { renderLosses } from './afork/losses.ts';
import { makeCases, type Side } from './afork/cases.ts';
import { describeMachine, renderReport } from './afork/report.ts';
import { addOutcome, type Result } from './afork/results.ts';
import { runCase } from './afork/run.ts';
import { shuffled } from './afork/samples.ts';
import { renderSvg } from './afork/svg.ts';
import { renderResults, renderVerdicts } from './afork/table.ts';

const DOCS = new URL('../docs/', import.meta.url);

const USAGE = `npm run bench:afork -- [--full] [--only c|node] [--case NAME]... [--rounds N]
--full adds 8 GB, and uses five processes for each case instead of three.
--rounds: spawns of each case; 120 unless given.`;
const { values } = scriptFlags(USAGE, {
  options: {
    full: { type: 'boolean', default: false },
    only: { type: 'string' },
    case: { type: 'string', multiple: true },
    rounds: { type: 'string', default: '120' },
  },
});
const only = sideOf(values.only);
const rounds = numberOf('--rounds', values.rounds);
const processes = values.full ? 5 : 3;

const results: Result[] = makeCases({ full: values.full, only })
  .filter(({ name }) => values.case?.includes(name) ?? true)
  .map((measured) => ({ measured, samples: [] }));
if (results.length === 0) wrongFlag(`--case ${values.case?.join(' --case ')}: there is no case of that name`);
await measureAll().catch((error: Error) => fail(error.message));
const text = (['C', 'Node'] as const)
  .filter((side) => !only || side === only)
  .map((side) => `${side}, ms, p50 / p99 / max\n\n${renderResults(results, side)}\n`);
console.log(
  [describeMachine(), ...text, renderVerdicts(judge(results)), 'Where afork loses\n', renderLosses(results)].join(
    '\n\n',
  ),
);
if (!only && !values.case) writeReport();

async function measureAll(): Promise<void> {
  const queue = shuffled(Array.from({ length: processes }, () => results).flat());
  for (const [index, result] of queue.entries()) {
    if (result.skipped) continue;
    const start = performance.now();
    addOutcome(result, await runCase(result.measured, Math.ceil(rounds / processes)));
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.error(`${index + 1}/${queue.length} ${result.measured.side}, ${result.measured.name}: ${seconds} s`);
  }
}

function writeReport(): void {
  const date = new Date().toISOString().slice(0, 10);
  const options = values.full ? ' -- --full' : '';
  writeFileSync(new URL('afork-bench.md', DOCS), renderReport(results, options, date));
  writeFileSync(new URL('afork-bench.svg', DOCS), renderSvg(results, `${describeMachine()}, ${date}`));
  console.error('written: docs/afork-bench.md, docs/afork-bench.svg');
}

function sideOf(name: string | undefined): Side | undefined {
  if (name === undefined) return undefined;
  if (name.toLowerCase() === 'c') return 'C';
  if (name.toLowerCase() === 'node') return 'Node';
  return wrongFlag(`--only ${name}: must be c or node`);
}

function fail(message: string): never {
  console.error(`bench:afork: ${message}`);
  process.exit(2);
}
