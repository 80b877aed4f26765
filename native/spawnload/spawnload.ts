/** Runs spawnload and reads its output, for tests and benchmarks. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const SPAWNLOAD = fileURLToPath(new URL('build/spawnload', import.meta.url));

interface Range {
  readonly sum: number;
  readonly min: number;
  readonly max: number;
}

/** What spawnload did. Errors are counted by name: `{ EAGAIN: 3 }`. */
export interface Truth {
  readonly pid: number;
  readonly comm: string;
  readonly mechanism: 'fork' | 'vfork' | 'afork' | 'posix_spawn';
  /** `libc` stands for the call that its posix_spawn makes. */
  readonly syscall: 'fork' | 'vfork' | 'clone' | 'clone3' | 'libc';
  readonly attempted: number;
  /** The number of calls that created a child; with posix_spawn, also of those whose exec failed. */
  readonly spawned: number;
  /** The number of children that a signal ended. */
  readonly killed: number;
  /** Errors of the spawning call. */
  readonly failures: Readonly<Record<string, number>>;
  /** Errors of the children's exec. */
  readonly execFailures: Readonly<Record<string, number>>;
  /** Time on CLOCK_MONOTONIC around each call that created a child. */
  readonly stallNs: Range;
  /** Resident memory of the generator before each spawn. */
  readonly rssBytes: Range;
  readonly pageTableBytes: number;
  /** Minor page faults from getrusage(2): the generator's from its first spawn on. Those of its reaped children follow. */
  readonly ownFaults: number;
  readonly childrenFaults: number;
  /** User and system time of the generator and its reaped children. `elapsedNs` is from the first spawn to the last reaped child. */
  readonly cpuNs: number;
  readonly elapsedNs: number;
  /**
   * What its siblings lost around its calls, in sum, by their own clock: how long they stood still, and the part of it in
   * which they neither ran nor waited for a CPU. 0 without `--siblings`.
   */
  readonly siblings: { readonly stoodStillNs: number; readonly blockedNs: number };
  /** The first thousand spawns. `pid` is 0 if posix_spawn gave none. */
  readonly spawns: readonly { readonly pid: number; readonly stallNs: number }[];
}

/** A generator that has all its memory, has not spawned yet, and waits for `go`. */
export interface ReadySpawnload {
  readonly pid: number;
  go(): Promise<Truth>;
  kill(): void;
}

/** Starts spawnload with `--wait-start`, so that probes can be attached to a process that already runs. */
export async function prepareSpawnload(args: readonly string[]): Promise<ReadySpawnload> {
  const child = spawn(SPAWNLOAD, ['--wait-start', ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string> => {
    const { value } = await lines.next();
    if (value !== undefined) return value;
    const [status, signal] = await exited;
    throw new Error(`spawnload ${args.join(' ')}: ended with ${signal ?? status}`);
  };
  const { pid }: { pid: number } = JSON.parse(await nextLine());
  return {
    pid,
    async go() {
      child.stdin.end();
      const truth: Truth = JSON.parse(await nextLine());
      const [status] = await exited;
      if (status !== 0) throw new Error(`spawnload ${args.join(' ')}: exit ${status}`);
      return truth;
    },
    kill: () => child.kill('SIGKILL'),
  };
}

/** Runs spawnload to its end. */
export async function runSpawnload(args: readonly string[]): Promise<Truth> {
  return (await prepareSpawnload(args)).go();
}
