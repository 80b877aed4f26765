/** The loads under which tools are compared, and the figures that are measured. */
import { execFileSync } from 'node:child_process';
import { median } from './statistics.ts';
import { runSpawnload, type Truth } from '../../native/spawnload/spawnload.ts';

const MIB = 1 << 20;

export interface Figure {
  readonly name: string;
  readonly unit: string;
}

/** The columns of the comparison, in this order. */
export const FIGURES = {
  fullSpeed: { name: 'posix_spawn at full speed, each', unit: 'µs' },
  fullSpeedCpu: { name: 'processor time of that', unit: 'µs' },
  steadyStall: { name: 'stall at 500 posix_spawn/s', unit: 'µs' },
  steadyCpu: { name: 'processor time of that', unit: 'µs' },
  forkStall: { name: 'stall of fork at 256 MiB', unit: 'µs' },
  childFault: { name: 'page fault of a child', unit: 'µs' },
  systemCall: { name: 'any system call', unit: 'ns' },
} as const satisfies Record<string, Figure>;

export type FigureName = keyof typeof FIGURES;
export type Figures = Readonly<Record<FigureName, number>>;

const stallUs = (truth: Truth): number => median(truth.spawns.map(({ stallNs }) => stallNs)) / 1000;
const cpuUs = (truth: Truth): number => truth.cpuNs / truth.spawned / 1000;

export async function runLoads(): Promise<Figures> {
  const fullSpeed = await runSpawnload(['--mechanism', 'posix_spawn', '--count', '1000']);
  const steady = await runSpawnload(['--mechanism', 'posix_spawn', '--count', '1000', '--rate', '500']);
  const big = await runSpawnload(['--mechanism', 'fork', '--count', '50', '--rss', String(256 * MIB)]);
  return {
    fullSpeed: fullSpeed.elapsedNs / fullSpeed.spawned / 1000,
    fullSpeedCpu: cpuUs(fullSpeed),
    steadyStall: stallUs(steady),
    steadyCpu: cpuUs(steady),
    forkStall: stallUs(big),
    childFault: await childFaultUs(),
    systemCall: systemCallNs(),
  };
}

/** Measures page faults with children that write much memory and do little else. */
async function childFaultUs(): Promise<number> {
  const touching = ['--rss', String(16 * MIB), '--child-touch', '4000', '--no-exec', '--count', '20'];
  const truth = await runSpawnload(['--mechanism', 'fork', ...touching]);
  return truth.cpuNs / truth.childrenFaults / 1000;
}

/** Measures a system call with dd, which makes two for each byte: a read and a write. */
function systemCallNs(): number {
  const calls = 400_000;
  const startedAt = performance.now();
  execFileSync('dd', ['if=/dev/zero', 'of=/dev/null', 'bs=1', `count=${calls / 2}`, 'status=none']);
  return ((performance.now() - startedAt) * 1e6) / calls;
}
