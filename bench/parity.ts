/**
 * What both engines say of the same spawns: npm run bench:parity. Prints tables.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { findBpftrace } from 'bpftrace-wrapper';
import { numberOf, scriptFlags } from '../testing/script-flags.ts';
import { table } from './overhead/markdown.ts';
import { measureParity, type Parity, type ParityResults } from './parity/measure.ts';

const PAGE = fileURLToPath(new URL('../docs/engines.md', import.meta.url));
const MARK = '<!-- bench:parity -->';

const USAGE = `npm run bench:parity -- [--spawns N] [--write]
--spawns: of each mechanism; 2000 unless given. --write puts the tables into docs/engines.md.`;
const { values } = scriptFlags(USAGE, {
  options: { spawns: { type: 'string', default: '2000' }, write: { type: 'boolean', default: false } },
});
const spawnsOfEach = numberOf('--spawns', values.spawns);

function markdownOf({ spawns, counts, stalls, lost }: ParityResults, version: string): string {
  const rows = [...new Set(counts.map(({ row }) => row))];
  const whats = [...new Set(counts.map(({ what }) => what))];
  const cell = (row: string, what: string): string => shown(counts.find((c) => c.row === row && c.what === what));
  const us = (ns: number): string => (ns / 1000).toFixed(1);
  const day = new Date().toISOString().slice(0, 10);
  return [
    `${day}, Linux ${release()}, bpftrace ${version}: ${spawns} spawns of each load. Events lost: ${lost}.`,
    table(
      ['row', ...whats],
      rows.map((row) => [row].concat(whats.map((what) => cell(row, what)))),
    ),
    table(
      [
        'load',
        'spawns told by both',
        'stall, core, median, µs',
        'bpftrace’s more, median, µs',
        '99 % apart by less than, µs',
      ],
      stalls.map((each) => [each.load, each.spawns, us(each.medianStallNs), us(each.medianNs), us(each.p99Ns)]),
    ),
  ].join('\n\n');
}

/** Once where both say the same. */
function shown(parity: Parity | undefined): string {
  if (!parity) return '';
  return parity.core === parity.bpftrace ? String(parity.core) : `**${parity.core} ≠ ${parity.bpftrace}**`;
}

async function main(): Promise<void> {
  const { version } = await findBpftrace();
  const results = await measureParity(spawnsOfEach);
  const markdown = markdownOf(results, version.text);
  process.stdout.write(`${markdown}\n`);
  if (values.write) writeResults(markdown);
  if (results.counts.some(({ core, bpftrace }) => core !== bpftrace)) process.exitCode = 1;
}

/** Replaces what stands between the marks. */
function writeResults(markdown: string): void {
  const [before = '', , after = ''] = readFileSync(PAGE, 'utf8').split(MARK);
  writeFileSync(PAGE, `${before}${MARK}\n\n${markdown}\n\n${MARK}${after}`);
}

await main();
