/** Nanoseconds of BPF, as the kernel's own statistics have them. Those cost some 20 ns a run, part of which they count. */
import { readFileSync, writeFileSync } from 'node:fs';
import { openCoreEngine } from '../../collector/engine/core/engine.ts';
import { DEFAULT_ENGINE_OPTIONS } from '../../collector/model/options.ts';
import type { CallHook } from '../../collector/model/hooks.ts';
import type { Engine } from '../../collector/model/engine.ts';
import type { Snapshot } from '../../collector/model/snapshot.ts';
import { runSpawnload } from '../../native/spawnload/spawnload.ts';
import { openWithPrograms } from './bpftrace-engine.ts';
import { shuffled, summarize, type Summary } from './statistics.ts';

const STATISTICS = '/proc/sys/kernel/bpf_stats_enabled';
const MIB = 1 << 20;
const SPAWNS = 1000;
const PAGE_FAULT = 'page_fault_user';
/** These run at every system call of the host, and are told apart. */
const EVERY_CALL = ['sys_enter', 'sys_exit'];

/** The ways of the core engine to see the calls, and the other engine. */
export type Watcher = CallHook | 'bpftrace';

export interface ProbeCost {
  readonly watcher: Watcher;
  /** All other programs, for each spawn. */
  readonly posixSpawnNs: Summary;
  readonly forkNs: Summary;
  /** Of a child that has not exec'd yet, and of a process that has nothing to do with spawning. */
  readonly childFaultNs: Summary;
  readonly otherFaultNs: Summary;
  /** What every system call of the host pays, where the calls are seen by `raw`. */
  readonly systemCallNs: Summary;
}

type Sample = Readonly<Record<Exclude<keyof ProbeCost, 'watcher'>, number>>;
interface Spent {
  readonly runs: number;
  readonly runNs: number;
}

/** What each program ran during one load, and the host's spawns in that time: on a busy machine not the load's alone. */
interface Measured {
  readonly programs: ReadonlyMap<string, Spent>;
  readonly spawns: number;
}

/** Switches the statistics on, and back to what they were however this ends. */
async function withStatistics<T>(work: () => Promise<T>): Promise<T> {
  const before = readFileSync(STATISTICS, 'utf8');
  const restore = (): void => writeFileSync(STATISTICS, before);
  const interrupted = (): void => process.exit(130); // runs the handlers of exit
  process.once('exit', restore);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, interrupted);
  writeFileSync(STATISTICS, '1');
  try {
    return await work();
  } finally {
    restore();
    process.off('exit', restore);
    for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, interrupted);
  }
}

export function measureProbes(watchers: readonly Watcher[], rounds: number): Promise<readonly ProbeCost[]> {
  return withStatistics(async () => {
    const samples = new Map<Watcher, Sample[]>(watchers.map((watcher) => [watcher, []]));
    for (let round = 0; round < rounds; round++)
      for (const watcher of shuffled(watchers)) samples.get(watcher)?.push(await sample(watcher));
    return [...samples].map(([watcher, taken]) => summaryOf(watcher, taken));
  });
}

function summaryOf(watcher: Watcher, samples: readonly Sample[]): ProbeCost {
  const of = (name: keyof Sample): Summary => summarize(samples.map((each) => each[name]));
  return {
    watcher,
    posixSpawnNs: of('posixSpawnNs'),
    forkNs: of('forkNs'),
    childFaultNs: of('childFaultNs'),
    otherFaultNs: of('otherFaultNs'),
    systemCallNs: of('systemCallNs'),
  };
}

async function sample(watcher: Watcher): Promise<Sample> {
  const engine =
    watcher === 'bpftrace'
      ? await openWithPrograms()
      : openCoreEngine({ ...DEFAULT_ENGINE_OPTIONS, callHook: watcher });
  try {
    const posixSpawn = await spent(engine, ['--mechanism', 'posix_spawn', '--count', String(SPAWNS)]);
    const fork = await spent(engine, ['--mechanism', 'fork', '--count', String(SPAWNS)]);
    const touching = ['--rss', String(16 * MIB), '--child-touch', '4000', '--no-exec', '--count', '10'];
    const child = await spent(engine, ['--mechanism', 'fork', ...touching]);
    const other = await spent(engine, ['--count', '0', '--rss', String(256 * MIB)]);
    return {
      posixSpawnNs: nsPerSpawn(posixSpawn),
      forkNs: nsPerSpawn(fork),
      childFaultNs: nsPerRun(child, PAGE_FAULT),
      otherFaultNs: nsPerRun(other, PAGE_FAULT),
      systemCallNs: EVERY_CALL.reduce((sum, program) => sum + nsPerRun(posixSpawn, program), 0),
    };
  } finally {
    engine.close();
  }
}

async function spent(engine: Engine, load: readonly string[]): Promise<Measured> {
  const before = engine.snapshot();
  await runSpawnload(load);
  await engine.settle?.();
  const after = engine.snapshot();
  const programs = after.programs.map(({ program, runs, runNs }): [string, Spent] => {
    const earlier = before.programs.find((each) => each.program === program);
    return [program, { runs: runs - (earlier?.runs ?? 0), runNs: runNs - (earlier?.runNs ?? 0) }];
  });
  return { programs: new Map(programs), spawns: spawnsIn(after) - spawnsIn(before) };
}

const spawnsIn = ({ rows }: Snapshot): number => rows.reduce((sum, row) => sum + row.spawns, 0);

function nsPerSpawn({ programs, spawns }: Measured): number {
  let sum = 0;
  for (const [program, { runNs }] of programs)
    if (program !== PAGE_FAULT && !EVERY_CALL.includes(program)) sum += runNs;
  return sum / spawns;
}

function nsPerRun({ programs }: Measured, program: string): number {
  const { runs = 0, runNs = 0 } = programs.get(program) ?? {};
  return runs > 0 ? runNs / runs : 0;
}
