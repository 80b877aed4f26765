/**
 * Measures what measuring costs: npm run bench:overhead. Prints tables. It asserts nothing, because times depend on the machine.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openCoreEngine } from '../collector/engine/core/engine.ts';
import { CALL_HOOKS, type CallHook } from '../collector/model/hooks.ts';
import { DEFAULT_ENGINE_OPTIONS } from '../collector/model/options.ts';
import { numberOf, scriptFlags } from '../testing/script-flags.ts';
import { measureCollector } from './overhead/collector-cost.ts';
import { compare } from './overhead/comparison.ts';
import { markdownOf } from './overhead/markdown.ts';
import { measureProbes } from './overhead/probe-cost.ts';
import { measureStacks } from './overhead/stack-cost.ts';
import { SERVE_WITH_BPFTRACE, serveWith } from './overhead/tools.ts';
import { measureScrape, type ScrapeCost } from './overhead/scrape-cost.ts';

const PAGE = fileURLToPath(new URL('../docs/overhead.md', import.meta.url));
const MARK = '<!-- bench:overhead -->';

const USAGE = `npm run bench:overhead -- [--rounds N] [--write]
--rounds: how often each is measured; 7 unless given. --write writes the tables to docs/overhead.md.`;
const { values } = scriptFlags(USAGE, {
  options: { rounds: { type: 'string', default: '7' }, write: { type: 'boolean', default: false } },
});
const rounds = numberOf('--rounds', values.rounds);

const progress = (said: string): void => void process.stderr.write(`${said}\n`);

function worksHere(callHook: CallHook): boolean {
  try {
    openCoreEngine({ ...DEFAULT_ENGINE_OPTIONS, callHook }).close();
    return true;
  } catch (error) {
    progress(`calls cannot be seen by ${callHook} here: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

async function measureScrapes(): Promise<readonly ScrapeCost[]> {
  const costs: ScrapeCost[] = [];
  for (const rows of [30, 1_000, 10_000]) {
    for (const format of ['text', 'protobuf'] as const) costs.push(await measureScrape(rows, format));
  }
  return costs;
}

async function main(): Promise<void> {
  const callHooks = CALL_HOOKS.filter(worksHere);
  const [best] = callHooks;
  if (!best) throw new Error('the spawning calls cannot be seen here; `forktax doctor` says why');
  progress('what the probes run');
  const probes = await measureProbes([...callHooks, 'bpftrace', 'empty'], rounds);
  progress('copies of stacks');
  const stacks = await measureStacks(best, rounds);
  const compared = await compare(callHooks, rounds, progress);
  progress('the collector, and scrapes');
  const collectors = [await measureCollector(serveWith(best)), await measureCollector(SERVE_WITH_BPFTRACE)];
  const results = { probes, compared, collectors, scrapes: await measureScrapes(), stacks };
  const markdown = markdownOf(results);
  process.stdout.write(`${markdown}\n`);
  if (values.write) writeResults(markdown);
}

/** Replaces the text between the marks. */
function writeResults(markdown: string): void {
  const [before = '', , after = ''] = readFileSync(PAGE, 'utf8').split(MARK);
  writeFileSync(PAGE, `${before}${MARK}\n\n${markdown}\n\n${MARK}${after}`);
}

await main();
