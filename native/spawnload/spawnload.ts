/** Runs spawnload and reads the truth that it prints. For tests and benchmarks only. */
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
  /** `libc`: whatever its posix_spawn calls. */
  readonly syscall: 'fork' | 'vfork' | 'clone' | 'clone3' | 'libc';
  readonly attempted: number;
  /** Calls that made a child; with posix_spawn also those whose exec failed. */
  readonly spawned: number;
  /** Children that a signal ended. */
  readonly killed: number;
  /** Of the spawning call. */
  readonly failures: Readonly<Record<string, number>>;
  /** Of the children's exec. */
  readonly execFailures: Readonly<Record<string, number>>;
  /** CLOCK_MONOTONIC around the calls that made a child. */
  readonly stallNs: Range;
  /** The generator's own, before each spawn. */
  readonly rssBytes: Range;
  readonly pageTableBytes: number;
  /** Minor page faults as getrusage(2) has them: the generator's from its first spawn on, and its reaped children's. */
  readonly ownFaults: number;
  readonly childrenFaults: number;
  /** User and system time of both, likewise; and the clock's time from the first spawn to the last child reaped. */
  readonly cpuNs: number;
  readonly elapsedNs: number;
  /** The first thousand. `pid` is 0 where posix_spawn gave none. */
  readonly spawns: readonly { readonly pid: number; readonly stallNs: number }[];
}

/** A generator that has all its memory, has not spawned yet, and waits for `go`. */
export interface ReadySpawnload {
  readonly pid: number;
  go(): Promise<Truth>;
  kill(): void;
}

/** Starts spawnload with `--wait-start`, so that probes can be attached to what runs already. */
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
