/** Measures nanoseconds of BPF with the kernel's statistics. These cost some 20 ns for each run, part of which they count. */
import { openCoreEngine } from '../../collector/engine/core/engine.ts';
import { DEFAULT_ENGINE_OPTIONS } from '../../collector/model/options.ts';
import type { CallHook } from '../../collector/model/hooks.ts';
import type { Snapshot } from '../../collector/model/snapshot.ts';
import { runSpawnload } from '../../native/spawnload/spawnload.ts';
import { withStatistics } from './bpf-statistics.ts';
import { openWithPrograms } from './bpftrace-engine.ts';
import { openEmptyPrograms } from './empty-programs.ts';
import { shuffled, summarize, type Summary } from './statistics.ts';

const MIB = 1 << 20;
const SPAWNS = 1000;
const PAGE_FAULT = 'page_fault_user';
/** These programs run at every system call of the host, and are counted separately. */
const EVERY_CALL = ['sys_enter', 'sys_exit'];

/** The call hooks of the core engine, the other engine, and programs that do nothing. */
export type Watcher = CallHook | 'bpftrace' | 'empty';

/** What is asked of an engine here. */
export interface Watched {
  snapshot(): {
    readonly programs: Snapshot['programs'];
    readonly rows: readonly { readonly spawns: number }[];
  };
  settle?(): Promise<void>;
  close(): void;
}

export interface ProbeCost {
  readonly watcher: Watcher;
  /** The time of all other programs, for each spawn. */
  readonly posixSpawnNs: Summary;
  readonly forkNs: Summary;
  /** The time for a page fault of a child before its exec, and of a process that has nothing to do with spawning. */
  readonly childFaultNs: Summary;
  readonly otherFaultNs: Summary;
  /** The time for every system call of the host, with the call hook `raw`. */
  readonly systemCallNs: Summary;
}

type Sample = Readonly<Record<Exclude<keyof ProbeCost, 'watcher'>, number>>;
interface Spent {
  readonly runs: number;
  readonly runNs: number;
}

/** The run time of each program during one load, and the host's spawns in that time, which on a busy machine are more than the load's. */
interface Measured {
  readonly programs: ReadonlyMap<string, Spent>;
  readonly spawns: number;
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
  const engine = await open(watcher);
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

async function open(watcher: Watcher): Promise<Watched> {
  if (watcher === 'empty') return openEmptyPrograms();
  if (watcher === 'bpftrace') return openWithPrograms();
  return openCoreEngine({ ...DEFAULT_ENGINE_OPTIONS, callHook: watcher });
}

async function spent(engine: Watched, load: readonly string[]): Promise<Measured> {
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

const spawnsIn = ({ rows }: ReturnType<Watched['snapshot']>): number => rows.reduce((sum, row) => sum + row.spawns, 0);

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
