/**
 * Measures what the form in which `forktax serve` is released saves: npm run bench:weight. Installs it into a folder,
 * and compares it with other forms in one run, in random order.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readStat } from '../collector/system/proc.ts';
import { numberOf, scriptFlags } from '../testing/script-flags.ts';

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));
const PAGE = join(REPOSITORY, 'docs/overhead.md');
const MARK = '<!-- bench:weight -->';
const SCRAPES = 200;

const USAGE = `npm run bench:weight -- [--rounds N] [--write]
--rounds: how often each form is measured; 3 unless given. --write writes the table to docs/overhead.md.`;
const { values } = scriptFlags(USAGE, {
  options: { rounds: { type: 'string', default: '3' }, write: { type: 'boolean', default: false } },
});
const rounds = numberOf('--rounds', values.rounds);

interface Form {
  readonly name: string;
  readonly command: readonly string[];
}

interface Weight {
  readonly readyMs: number;
  readonly atReady: Memory;
  readonly after: Memory;
  readonly scrapeMs: number;
}

/** In MiB. Private: pages that are of no file, as RssAnon of /proc/PID/status. */
interface Memory {
  readonly resident: number;
  readonly private: number;
}

function formsIn(folder: string): readonly Form[] {
  const home = join(folder, 'lib/forktax');
  const node = join(home, 'node');
  const [start, bundle] = ['main.cjs', 'forktax.cjs'].map((name) => join(home, 'collector/bin', name));
  const young = '--max-semi-space-size=1';
  const serve = (...words: (string | undefined)[]): string[] => [
    ...words.map(String),
    'serve',
    '--web.listen-address=127.0.0.1:0',
    '--comm=nobody',
  ];
  return [
    {
      name: 'a bare Node.js, which does nothing',
      command: [node, '-e', 'console.error("url="); setInterval(() => {}, 1e6)'],
    },
    { name: 'JavaScript as `make` compiles it, file by file', command: serve(join(REPOSITORY, 'scripts/forktax')) },
    { name: "one CommonJS file, with zod's English messages only", command: serve(node, bundle) },
    {
      name: "and V8's code cache, and its smallest young generation: **the releases**",
      command: serve(node, young, start),
    },
    { name: 'and `--optimize-for-size` (not used)', command: serve(node, young, '--optimize-for-size', start) },
    { name: 'or `--single-threaded` (not used)', command: serve(node, young, '--single-threaded', start) },
    { name: 'or `--lite-mode` (not used)', command: serve(node, young, '--lite-mode', start) },
  ];
}

async function weigh({ name, command: [program = '', ...args] }: Form): Promise<Weight> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
    while (!/url=/.test(log)) {
      if (child.exitCode !== null) throw new Error(`${name}: ${log}`);
      await sleep(20);
    }
    await sleep(300);
    const pid = child.pid ?? 0;
    const cpuMs = (): number => readStat(pid).cpuNs / 1e6;
    const [readyMs, atReady] = [cpuMs(), memoryOf(pid)];
    const url = /url=(http\S+)/.exec(log)?.[1];
    if (url !== undefined) for (let i = 0; i < SCRAPES; i++) await scrape(new URL('/metrics', url));
    return { readyMs, atReady, after: memoryOf(pid), scrapeMs: (cpuMs() - readyMs) / SCRAPES };
  } finally {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
}

/** Each has a connection of its own, as a Prometheus that scrapes every 15 s may have. */
async function scrape(url: URL): Promise<void> {
  const asked = request(url, { agent: false }).end();
  const [response] = await once(asked, 'response');
  response.resume();
  await once(response, 'end');
}

function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mib = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024;
  return { resident: mib('VmRSS'), private: mib('RssAnon') };
}

function median(weights: readonly Weight[], of: (weight: Weight) => number): number {
  return weights.map(of).toSorted((a, b) => a - b)[weights.length >> 1] ?? NaN;
}

function tableOf(measured: ReadonlyMap<string, readonly Weight[]>): string {
  const figures: readonly [title: string, of: (weight: Weight) => number, digits: number][] = [
    ['resident when ready, MiB', ({ atReady }) => atReady.resident, 1],
    ['private', ({ atReady }) => atReady.private, 1],
    [`resident after ${SCRAPES} scrapes`, ({ after }) => after.resident, 1],
    ['private', ({ after }) => after.private, 1],
    ['CPU until ready, ms', ({ readyMs }) => readyMs, 0],
    ['CPU of a scrape, ms', ({ scrapeMs }) => scrapeMs, 1],
  ];
  const rows = Array.from(measured, ([name, weights]) => [
    name,
    ...figures.map(([, of, digits]) => median(weights, of).toFixed(digits)),
  ]);
  const lines = [['form', ...figures.map(([title]) => title)], ['---', ...figures.map(() => '--:')], ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'forktax-weight-'));
  try {
    execFileSync(join(REPOSITORY, 'deploy/install'), { env: { ...process.env, DESTDIR: folder, PREFIX: '' } });
    const forms = formsIn(folder);
    const measured = new Map<string, Weight[]>(forms.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round++)
      for (const form of forms.toSorted(() => Math.random() - 0.5)) measured.get(form.name)?.push(await weigh(form));
    const table = tableOf(measured);
    process.stdout.write(`${table}\n`);
    if (values.write) writeTable(table);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function writeTable(table: string): void {
  const [before = '', , after = ''] = readFileSync(PAGE, 'utf8').split(MARK);
  const when = `Medians of ${rounds} rounds, ${new Date().toISOString().slice(0, 10)}.`;
  writeFileSync(PAGE, `${before}${MARK}\n\n${when}\n\n${table}\n\n${MARK}${after}`);
}

await main();
