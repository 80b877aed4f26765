/**
 * Compares forktax with other tools that see spawns: npm run bench:peers.
 * It downloads Debian's packages of them into a temporary folder, and runs each tool under the same loads, in rounds of random
 * order. It asserts nothing, because times depend on the machine.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openCoreEngine } from '../collector/engine/core/engine.ts';
import type { CallHook } from '../collector/model/hooks.ts';
import { DEFAULT_ENGINE_OPTIONS } from '../collector/model/options.ts';
import { prepareSpawnload, SPAWNLOAD, type Truth } from '../native/spawnload/spawnload.ts';
import { numberOf, scriptFlags } from '../testing/script-flags.ts';
import { machine, ratio, table } from './overhead/markdown.ts';
import { median, shuffled, summarize } from './overhead/statistics.ts';
import { unpackPackages } from './overhead/packages.ts';
import { NOTHING, startTool } from './overhead/tools.ts';
import { peersFrom, type Peer } from './peers/peers.ts';

const PAGE = new URL('../docs/overhead.md', import.meta.url);
const MARK = '<!-- bench:peers -->';
/** Most tools say when they are attached. The others have this time. */
const ATTACHING_MS = 1000;
const SPAWNS = 5000;
/** Spawners that spawn at once, as fast as they can but at most 5000 times a second together. */
const MANY = ['--mechanism', 'vfork', '--live', '4', '--count', String(SPAWNS), '--rate', '5000'];
const ONE_BY_ONE = ['--mechanism', 'posix_spawn', '--count', '500'];
/** The tools, and their libraries. */
const PACKAGES = `
libbpf-tools
auditd libaudit1 libauparse0 libcap-ng0 libwrap0
sysdig libfalcosecurity0 libabsl20220623 libb64-0d libgrpc++1.51 libgrpc29 libprotobuf32
libjq1 libonig5 libjsoncpp25 libluajit-5.1-2 libtbb12 libyaml-cpp0.7 libc-ares2 libre2-9`
  .trim()
  .split(/\s+/);

const USAGE = `npm run bench:peers -- [--rounds N] [--only TEXT] [--write]
--rounds: how often each is measured; 5 unless given. --only: the tools whose names contain TEXT.
--write puts the table into docs/overhead.md.`;
const { values } = scriptFlags(USAGE, {
  options: {
    rounds: { type: 'string', default: '5' },
    write: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
});
const roundsOfEach = numberOf('--rounds', values.rounds);

interface Sample {
  readonly eachUs: number;
  readonly cpuUs: number;
  readonly stallUs: number;
  readonly perSecond: number;
  readonly reported: number;
}
const FIGURES = ['eachUs', 'cpuUs', 'stallUs', 'perSecond', 'reported'] as const;

let loads = 0;
function bestCallHook(): CallHook {
  const engine = openCoreEngine(DEFAULT_ENGINE_OPTIONS);
  engine.close();
  if (!engine.callHook) throw new Error('the spawning calls cannot be seen here; `forktax doctor` says why');
  return engine.callHook;
}

async function compare(peers: readonly Peer[], rounds: number): Promise<string> {
  const samples = new Map<Peer, Sample[]>(peers.map((peer) => [peer, []]));
  const unavailable = new Map<Peer, string>();
  for (let round = 1; round <= rounds; round++)
    for (const peer of shuffled(peers.filter((each) => !unavailable.has(each)))) {
      process.stderr.write(`round ${round} of ${rounds}: ${peer.name}\n`);
      try {
        samples.get(peer)?.push(await sample(peer));
      } catch (error) {
        unavailable.set(peer, error instanceof Error ? error.message : String(error));
      }
    }
  return [
    machine(),
    tableOf(samples),
    ...[...unavailable].map(([{ name }, why]) => `${name} could not run here: \`${why}\``),
  ].join('\n\n');
}

async function sample(peer: Peer): Promise<Sample> {
  const { truth } = await watched(peer, ONE_BY_ONE);
  const many = await watched(peer, MANY);
  return {
    eachUs: truth.elapsedNs / truth.spawned / 1000,
    cpuUs: truth.cpuNs / truth.spawned / 1000,
    stallUs: median(truth.spawns.map(({ stallNs }) => stallNs)) / 1000,
    perSecond: (many.truth.spawned / many.truth.elapsedNs) * 1e9,
    reported: many.reported,
  };
}

/** Runs a load while the tool watches, and asks it how many spawns it saw. */
async function watched(peer: Peer, load: readonly string[]): Promise<{ truth: Truth; reported: number }> {
  const comm = `peers-${++loads}`;
  const ready = await prepareSpawnload([...load, '--comm', comm, '--exec', SPAWNLOAD, '--', '--exit-now', comm]);
  try {
    const tool = await startTool({ name: peer.name, ready: peer.ready, ...commandOf(peer, ready.pid) });
    try {
      if (peer.command) await sleep(ATTACHING_MS);
      const truth = await ready.go();
      if (peer.command) await sleep(ATTACHING_MS);
      return { truth, reported: await peer.reported(tool, truth) };
    } finally {
      await tool.stop();
    }
  } finally {
    ready.kill();
  }
}

const commandOf = ({ command }: Peer, pid: number) => (command ? { command: command(pid) } : {});

function tableOf(samples: ReadonlyMap<Peer, readonly Sample[]>): string {
  const nothing = [...samples.values()][0] ?? [];
  const rows = [...samples].flatMap(([peer, taken]) => (taken.length > 0 ? [rowOf(peer, taken, nothing)] : []));
  const titles = [
    'posix_spawn at full speed, each',
    'processor time of that',
    'its stall',
    'spawns/s by four',
    `reported of ${SPAWNS}`,
    'n',
  ];
  return table(['watched by', 'tells the stall', 'tells', ...titles], rows);
}

/** The first row has its own values, the others their ratios to it in the same round. */
function rowOf(peer: Peer, taken: readonly Sample[], nothing: readonly Sample[]): string[] {
  const isFirst = taken === nothing;
  const of = (name: (typeof FIGURES)[number]) => summarize(taken.map((each) => each[name]));
  const against = (name: 'eachUs' | 'cpuUs' | 'stallUs') =>
    isFirst
      ? `${of(name).median.toFixed(0)} µs`
      : ratio(summarize(taken.map((each, round) => each[name] / (nothing[round]?.[name] ?? Number.NaN))));
  const { low, median: middle } = of('reported');
  const reported = peer.command ? (low === middle ? String(middle) : `${middle} (${low} at worst)`) : '–';
  const costs = [against('eachUs'), against('cpuUs'), against('stallUs'), of('perSecond').median.toFixed(0)];
  return [
    peer.name,
    peer.stall ? 'yes' : peer.command ? 'no' : '',
    peer.tells,
    ...costs,
    reported,
    String(taken.length),
  ];
}

function writeResults(markdown: string): void {
  const [before = '', , after = ''] = readFileSync(PAGE, 'utf8').split(MARK);
  writeFileSync(PAGE, `${before}${MARK}\n\n${markdown}\n\n${MARK}${after}`);
}

const folder = mkdtempSync(join(tmpdir(), 'forktax-peers-'));
try {
  const peers = peersFrom(unpackPackages(folder, PACKAGES), folder, bestCallHook());
  const chosen = peers.filter(({ name }) => name === NOTHING.name || name.includes(values.only));
  const markdown = await compare(chosen, roundsOfEach);
  process.stdout.write(`${markdown}\n`);
  if (values.write) writeResults(markdown);
} finally {
  rmSync(folder, { recursive: true });
}
