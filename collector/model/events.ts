/** The steps of a spawn as they happen. `subscribe` gives them in the order of the kernel's ring buffer. */
import type { Mechanism, SpawnSyscall } from './spawn.ts';

interface EventBase {
  /** Milliseconds since the epoch, with a fraction. */
  readonly atMs: number;
  /** The spawner's pid; `tid` is the thread that called. */
  readonly pid: number;
  readonly tid: number;
  readonly comm: string;
  readonly mechanism: Mechanism;
  readonly syscall: SpawnSyscall;
  readonly cgroup: string;
  /** The path of the spawner's cgroup, if somebody has looked it up. */
  readonly cgroupPath?: string;
}
/** A process above a spawner. */
interface Ancestor {
  readonly pid: number;
  readonly comm: string;
}
/** The parent of a spawner first. `cut` if there are more than the kernel reads. */
export interface Ancestry {
  readonly chain: readonly Ancestor[];
  readonly cut: boolean;
}
/** `cut` if the command line is longer than what the kernel reads: then the last argument may be, too. */
export interface CommandLine {
  readonly words: readonly string[];
  readonly cut: boolean;
}

export interface SpawnEvent extends EventBase {
  readonly kind: 'spawn';
  readonly child: number;
  /** `stallNs` and `copyNs` are absent if no hook sees the spawning calls. */
  readonly stallNs?: number;
  readonly copyNs?: number;
  /**
   * How long other threads of the spawner waited for its memory map during the call, in sum. Absent if nothing measures it.
   */
  readonly siblingWaitNs?: number;
  readonly copiedRssBytes: number;
  readonly copiedPageTableBytes: number;
  /** The id of the call's stack; absent if none was copied. */
  readonly stack?: number;
  /** Present if the engine was asked for `ancestors`. */
  readonly ancestry?: Ancestry;
}
/** If a clone3 failed before its flags could be read, its mechanism is unknown and is given as `fork`. */
export interface SpawnFailureEvent extends EventBase {
  readonly kind: 'spawn-failure';
  readonly stallNs: number;
  readonly errno: number;
  readonly stack?: number;
  readonly ancestry?: Ancestry;
}
export interface ExecEvent extends EventBase {
  readonly kind: 'exec';
  readonly child: number;
  readonly delayNs: number;
  readonly file: string;
  /** Present if the engine was asked for `arguments` and the kernel could read them. */
  readonly commandLine?: CommandLine;
}
export interface ExecFailureEvent extends EventBase {
  readonly kind: 'exec-failure';
  readonly child: number;
  readonly delayNs: number;
  readonly file: string;
  readonly errno: number;
}
export interface ExitEvent extends EventBase {
  readonly kind: 'exit';
  readonly child: number;
  readonly lifetimeNs: number;
  /** The exit status, or 128 + signal, as a shell gives it. */
  readonly status: number;
  readonly execSeen: boolean;
}
export type EngineEvent = SpawnEvent | SpawnFailureEvent | ExecEvent | ExecFailureEvent | ExitEvent;

export const EVENT_KINDS = [
  'spawn',
  'spawn-failure',
  'exec',
  'exec-failure',
  'exit',
] as const satisfies readonly EngineEvent['kind'][];
