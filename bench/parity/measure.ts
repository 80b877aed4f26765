/** Runs both engines over one load. Gives what each has counted in every row, and how much their stalls differ. */
import { openBpftraceEngine } from '../../collector/engine/bpftrace/engine.ts';
import { openCoreEngine } from '../../collector/engine/core/engine.ts';
import { DEFAULT_ENGINE_OPTIONS, type EngineOptions } from '../../collector/model/options.ts';
import type { CostRow } from '../../collector/model/rows.ts';
import type { Engine } from '../../collector/model/engine.ts';
import type { EngineEvent } from '../../collector/model/events.ts';
import { histogramCount } from '../../collector/model/histogram.ts';
import { runSpawnload } from '../../native/spawnload/spawnload.ts';

const MIB = 1 << 20;
const TOUCHES = ['--rss', String(16 * MIB), '--parent-touch', '10', '--child-touch', '5'];

/** Part of the comms, because other processes may spawn at the same time. */
const TAG = `${process.pid}`;

/** One load for each mechanism, and one for each kind of failure. */
const LOADS: Readonly<Record<string, readonly string[]>> = {
  fork: ['--mechanism', 'fork', ...TOUCHES],
  vfork: ['--mechanism', 'vfork', '--rss', String(16 * MIB)],
  afork: ['--mechanism', 'afork', '--live', '4'],
  spawn: ['--mechanism', 'posix_spawn'],
  threads: ['--mechanism', 'fork', '--threads', '4', '--live', '4'],
  missing: ['--mechanism', 'posix_spawn', '--exec-missing'],
  refused: ['--mechanism', 'fork', '--nproc-limit'],
};

/** The counts that must be equal, and how they are read from a row. */
const COUNTS: Readonly<Record<string, (row: CostRow) => number>> = {
  spawns: (row) => row.spawns,
  stalls: (row) => histogramCount(row.stall),
  'copied bytes': (row) => row.copiedRss.sum,
  'page table bytes': (row) => row.copiedPageTableBytes,
  execs: (row) => histogramCount(row.execDelay),
  exits: (row) => histogramCount(row.lifetime),
  'CoW, parent': (row) => row.cowFaultsParent,
  'CoW, child': (row) => row.cowFaultsChild,
  'child faults': (row) => row.childFaults,
};

/** The counts of one row or kind of failure. */
export interface Parity {
  readonly row: string;
  readonly what: string;
  readonly core: number;
  readonly bpftrace: number;
}

/** For spawns that both engines reported: bpftrace's stall minus core's, in nanoseconds. */
interface StallDifference {
  readonly load: string;
  readonly spawns: number;
  readonly medianStallNs: number;
  readonly medianNs: number;
  readonly p99Ns: number;
}

export interface ParityResults {
  readonly spawns: number;
  readonly counts: readonly Parity[];
  readonly stalls: readonly StallDifference[];
  /** Events that either engine lost. If there are any, the results mean nothing. */
  readonly lost: number;
}

/** Both engines see the calls at the same tracepoints. Core's hook comes first at each, so neither stall contains the other. */
const OPTIONS: EngineOptions = { ...DEFAULT_ENGINE_OPTIONS, callHook: 'syscalls', ringBytes: 1 << 24 };

/** Runs each load with this number of spawns. */
export async function measureParity(spawns: number): Promise<ParityResults> {
  const core = openCoreEngine(OPTIONS);
  try {
    const bpftrace = await openBpftraceEngine(OPTIONS);
    try {
      return await measure({ core, bpftrace }, spawns);
    } finally {
      bpftrace.close();
    }
  } finally {
    core.close();
  }
}

interface Both {
  readonly core: Engine;
  readonly bpftrace: Engine;
}

async function measure({ core, bpftrace }: Both, spawns: number): Promise<ParityResults> {
  const stalls = { core: stallsOf(core), bpftrace: stallsOf(bpftrace) };
  for (const [load, args] of Object.entries(LOADS))
    await runSpawnload([...args, '--comm', `${TAG}-${load}`, '--count', String(spawns)]);
  await bpftrace.settle?.({ faults: true });
  const found = { core: countsOf(core), bpftrace: countsOf(bpftrace) };
  const names = [...new Set([...found.core.keys(), ...found.bpftrace.keys()])].toSorted();
  return {
    spawns,
    counts: names.map((name) => {
      const [row = '', what = ''] = name.split('\t');
      return { row, what, core: found.core.get(name) ?? 0, bpftrace: found.bpftrace.get(name) ?? 0 };
    }),
    stalls: Object.keys(LOADS).flatMap((load) => differenceOf(load, stalls.core.stop(), stalls.bpftrace.stop())),
    lost: core.snapshot().health.eventsLost + bpftrace.snapshot().health.eventsLost,
  };
}

/** Gives counts of the loads by `row TAB what`. */
function countsOf(engine: Engine): Map<string, number> {
  const counts = new Map<string, number>();
  const { rows, failures } = engine.snapshot();
  for (const row of rows) {
    const load = loadOf(row.comm);
    if (load === undefined) continue;
    const name = `${load}: ${row.mechanism}, ${row.syscall}`;
    for (const [what, read] of Object.entries(COUNTS)) counts.set(`${name}\t${what}`, read(row));
  }
  for (const { comm, syscall, kind, errno, count } of failures) {
    const load = loadOf(comm);
    if (load !== undefined) counts.set(`${load}: ${syscall}\t${kind} failures, errno ${errno}`, count);
  }
  return counts;
}

/** Gives undefined for the comms of other processes. */
function loadOf(comm: string): string | undefined {
  const [tag, load = ''] = comm.split('-');
  return tag === TAG && load in LOADS ? load : undefined;
}

type Stalls = Map<string, Map<number, number>>;

/** Collects stalls by load and child until it is stopped. */
function stallsOf(engine: Engine): { stop(): Stalls } {
  const stalls: Stalls = new Map();
  const stop = engine.subscribe((events: readonly EngineEvent[]) => {
    for (const event of events) {
      const load = loadOf(event.comm);
      if (event.kind !== 'spawn' || event.stallNs === undefined || load === undefined) continue;
      const ofLoad = stalls.get(load) ?? new Map<number, number>();
      ofLoad.set(event.child, event.stallNs);
      stalls.set(load, ofLoad);
    }
  });
  return {
    stop() {
      stop();
      return stalls;
    },
  };
}

function differenceOf(load: string, core: Stalls, bpftrace: Stalls): StallDifference[] {
  const others = bpftrace.get(load);
  const pairs = [...(core.get(load) ?? [])].flatMap(([child, stallNs]) => {
    const other = others?.get(child);
    return other === undefined ? [] : [[stallNs, other] as const];
  });
  if (pairs.length === 0) return [];
  const differences = pairs.map(([a, b]) => b - a).toSorted((a, b) => a - b);
  return [
    {
      load,
      spawns: pairs.length,
      medianStallNs: at(
        pairs.map(([a]) => a).toSorted((a, b) => a - b),
        0.5,
      ),
      medianNs: at(differences, 0.5),
      p99Ns: at(
        differences.map(Math.abs).toSorted((a, b) => a - b),
        0.99,
      ),
    },
  ];
}

const at = (sorted: readonly number[], quantile: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))] ?? Number.NaN;
