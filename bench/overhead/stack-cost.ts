/** Measures what a spawner pays for the copy of its stack that `forktax sites` takes. */
import { openCoreEngine } from '../../collector/engine/core/engine.ts';
import type { CallHook } from '../../collector/model/hooks.ts';
import { DEFAULT_ENGINE_OPTIONS } from '../../collector/model/options.ts';
import { runSpawnload } from '../../native/spawnload/spawnload.ts';
import { withStatistics } from './bpf-statistics.ts';
import { shuffled, summarize, type Summary } from './statistics.ts';

const KIB = 1024;
const SIZES = [0, 4 * KIB, 16 * KIB, 64 * KIB] as const;
const SPAWNS = 500;

export interface StackCost {
  /** How much may be copied; 0: nothing is. */
  readonly bytes: number;
  /** How much was there to be copied, on average. */
  readonly copiedBytes: number;
  /** The time of all programs for each spawn, and how much more that is than without a copy in the same round. */
  readonly spawnNs: Summary;
  readonly copyNs: Summary;
}

interface Sample {
  readonly spawnNs: number;
  readonly copiedBytes: number;
}

export function measureStacks(callHook: CallHook, rounds: number): Promise<readonly StackCost[]> {
  return withStatistics(async () => {
    const done: ReadonlyMap<number, Sample>[] = [];
    for (let round = 0; round < rounds; round++) {
      const samples = new Map<number, Sample>();
      for (const bytes of shuffled(SIZES)) samples.set(bytes, await sample(callHook, bytes));
      done.push(samples);
    }
    return SIZES.map((bytes) => {
      const own = done.map((round) => round.get(bytes) ?? NOTHING);
      return {
        bytes,
        copiedBytes: Math.round(own.reduce((sum, each) => sum + each.copiedBytes, 0) / rounds),
        spawnNs: summarize(own.map(({ spawnNs }) => spawnNs)),
        copyNs: summarize(own.map(({ spawnNs }, round) => spawnNs - (done[round]?.get(0)?.spawnNs ?? 0))),
      };
    });
  });
}

const NOTHING: Sample = { spawnNs: 0, copiedBytes: 0 };

async function sample(callHook: CallHook, bytes: number): Promise<Sample> {
  const comm = 'stackbench';
  const stacks = bytes > 0 ? { stacks: { bytes, perSecond: 1_000_000 } } : {};
  const engine = openCoreEngine({
    ...DEFAULT_ENGINE_OPTIONS,
    callHook,
    filter: { comm },
    ringBytes: 1 << 22,
    ...stacks,
  });
  let [copied, count] = [0, 0];
  engine.subscribe(() => {});
  engine.subscribeStacks?.((batch) => {
    for (const { stack } of batch) copied += stack.length;
    count += batch.length;
  });
  try {
    const before = runNsOf(engine);
    await withDeepStack(() =>
      runSpawnload(['--mechanism', 'vfork', '--comm', comm, '--count', String(SPAWNS), '--rate', '500']),
    );
    return { spawnNs: (runNsOf(engine) - before) / SPAWNS, copiedBytes: count > 0 ? copied / count : 0 };
  } finally {
    engine.close();
  }
}

/** Programs at page faults and at every system call run also for the rest of the host. */
const NOT_OF_SPAWNS = new Set(['page_fault_user', 'sys_exit']);

function runNsOf(engine: ReturnType<typeof openCoreEngine>): number {
  const programs = engine.snapshot().programs.filter(({ program }) => !NOT_OF_SPAWNS.has(program));
  return programs.reduce((sum, { runNs }) => sum + runNs, 0);
}

/** The environment lies on the stack, above all frames. */
async function withDeepStack<T>(work: () => Promise<T>): Promise<T> {
  process.env['FORKTAX_BENCH_FILL'] = 'x'.repeat(100 * KIB);
  try {
    return await work();
  } finally {
    delete process.env['FORKTAX_BENCH_FILL'];
  }
}
