/**
 * A collector under everyday load for long: `npm run bench:soak`. Spawns, scrapes, event streams that come and go, and reloads.
 * It fails if a spawn is not counted, if descriptors or threads pile up, if memory grows after the history of the page is full, or if programs or maps are left in the kernel at the end.
 */
import { readdirSync, rmSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseSamples, valueOf } from '../testing/parse-metrics.ts';
import { numberOf, scriptFlags, wrongFlag } from '../testing/script-flags.ts';
import { startCompiledServe } from '../testing/serve-process.ts';
import { spawnload, uniqueComm } from '../testing/spawnload.ts';
import { residentMiB } from './attack/victim.ts';
import { bpfObjectsOf, stillThere } from './soak/bpf-objects.ts';
import { slopePerHour, type Point } from './soak/slope.ts';

const USAGE = `npm run bench:soak -- [--minutes N]
--minutes: how long it runs; 60 unless given. Memory is judged from 45 on.`;
const { values } = scriptFlags(USAGE, { options: { minutes: { type: 'string', default: '60' } } });
const minutes = numberOf('--minutes', values.minutes, 0);
if (minutes === 0) wrongFlag('--minutes 0: must be more');

const RATE = 200;
const MOST_MIB_PER_HOUR = 1;
/** The history holds 15 minutes. */
const SETTLED_FROM_HOURS = 16 / 60;
/** A slope says something about an hour only after a good part of one. */
const JUDGED_FROM_MINUTES = 45;

const folder = mkdtempSync(join(tmpdir(), 'forktax-soak-'));
const webConfig = join(folder, 'web.yml');
writeFileSync(webConfig, 'http_server_config: {headers: {X-Frame-Options: deny}}\n');
const comm = uniqueComm();
const serve = await startCompiledServe(`--comm=${comm}`, `--web.config.file=${webConfig}`);
const objects = bpfObjectsOf(serve.pid);
const endAt = performance.now() + minutes * 60_000;
const isOver = (): boolean => performance.now() >= endAt;

const points: Point[] = [];
const descriptors: number[] = [];
const done = { spawned: 0, scrapes: 0, streams: 0, reloads: 0 };
const problems: string[] = [];
try {
  await Promise.all([spawn(), scrape(), stream(), comeAndGo(), reload(), observe()]);
  const counted = valueOf(parseSamples(await text('/metrics')), 'forktax_spawns_total', { comm });
  if (counted !== done.spawned) problems.push(`${counted} of ${done.spawned} spawns were counted`);
} finally {
  const { status } = await serve.stop();
  if (status !== 0) problems.push(`the collector ended with status ${status}`);
  rmSync(folder, { recursive: true });
}
report();

async function spawn(): Promise<void> {
  while (!isOver()) done.spawned += (await spawnload('--comm', comm, '--count', 10 * RATE, '--rate', RATE)).spawned;
}

async function scrape(): Promise<void> {
  for (; !isOver(); await sleep(1_000)) {
    await text(done.scrapes % 5 === 0 ? '/api/v1/costs' : '/metrics');
    done.scrapes++;
  }
}

async function text(path: string): Promise<string> {
  const answer = await fetch(`${serve.url}${path}`);
  if (!answer.ok) problems.push(`${path} answers ${answer.status}`);
  return answer.text();
}

/** Reads all events, from beginning to end. */
async function stream(): Promise<void> {
  await readEvents(minutes * 60_000);
}

async function comeAndGo(): Promise<void> {
  for (; !isOver(); done.streams++) await readEvents(5_000);
}

async function readEvents(ms: number): Promise<void> {
  const leave = AbortSignal.timeout(Math.ceil(Math.min(ms, Math.max(1, endAt - performance.now()))));
  try {
    const { body } = await fetch(`${serve.url}/api/v1/events`, { signal: leave });
    for await (const chunk of body ?? []) void chunk;
  } catch (error) {
    if (!leave.aborted) throw error;
  }
}

async function reload(): Promise<void> {
  for (; !isOver(); await sleep(Math.min(30_000, Math.max(0, endAt - performance.now())))) {
    process.kill(serve.pid, 'SIGHUP');
    done.reloads++;
  }
}

async function observe(): Promise<void> {
  const begunAt = performance.now();
  for (; !isOver(); await sleep(Math.min(10_000, Math.max(0, endAt - performance.now())))) {
    points.push({ hours: (performance.now() - begunAt) / 3_600_000, value: residentMiB(serve.pid) });
    descriptors.push(readdirSync(`/proc/${serve.pid}/fd`).length);
  }
}

function report(): void {
  const settled = points.filter(({ hours }) => hours >= SETTLED_FROM_HOURS);
  const slope = slopePerHour(settled);
  const leftBehind = stillThere(objects);
  console.table({
    minutes,
    ...done,
    'descriptors, first and last': `${descriptors.at(1)} ${descriptors.at(-1)}`,
    'resident MiB, settled and last': `${settled[0]?.value.toFixed(1)} ${settled.at(-1)?.value.toFixed(1)}`,
    'MiB an hour': slope.toFixed(2),
    'programs and maps, of them left': `${objects.length} ${leftBehind.length}`,
  });
  if (Math.max(...descriptors.slice(-6)) > Math.max(...descriptors.slice(0, 6)) + 2)
    problems.push('descriptors pile up');
  if (minutes >= JUDGED_FROM_MINUTES && slope > MOST_MIB_PER_HOUR) problems.push('memory grows');
  if (leftBehind.length > 0) problems.push(`left in the kernel: ${leftBehind.join(', ')}`);
  for (const problem of problems) console.error(`soak: ${problem}`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
