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
export interface SpawnEvent extends EventBase {
  readonly kind: 'spawn';
  readonly child: number;
  /** `stallNs` and `copyNs` are absent if no hook sees the spawning calls. */
  readonly stallNs?: number;
  readonly copyNs?: number;
  readonly copiedRssBytes: number;
  readonly copiedPageTableBytes: number;
}
/** If a clone3 failed before its flags could be read, its mechanism is unknown and is given as `fork`. */
export interface SpawnFailureEvent extends EventBase {
  readonly kind: 'spawn-failure';
  readonly stallNs: number;
  readonly errno: number;
}
export interface ExecEvent extends EventBase {
  readonly kind: 'exec';
  readonly child: number;
  readonly delayNs: number;
  readonly file: string;
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
