/** The steps of a spawn as they happen: what `subscribe` gives, in the order of the kernel's ring. */
import type { Mechanism, SpawnSyscall } from './spawn.ts';

interface EventBase {
  /** Milliseconds since the epoch, with a fraction. */
  readonly atMs: number;
  /** The spawner's pid, and the thread of it that called. */
  readonly pid: number;
  readonly tid: number;
  readonly comm: string;
  readonly mechanism: Mechanism;
  readonly syscall: SpawnSyscall;
  readonly cgroup: string;
}
export interface SpawnEvent extends EventBase {
  readonly kind: 'spawn';
  readonly child: number;
  /** Both absent when the spawning calls could not be seen. */
  readonly stallNs?: number;
  readonly copyNs?: number;
  readonly copiedRssBytes: number;
  readonly copiedPageTableBytes: number;
}
/** `mechanism` is not known of a clone3 that failed before its flags could be read; it then says `fork`. */
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
  /** Exit status, or 128 + signal as a shell says it. */
  readonly status: number;
  readonly execSeen: boolean;
}
export type EngineEvent = SpawnEvent | SpawnFailureEvent | ExecEvent | ExecFailureEvent | ExitEvent;
