/** What the kernel copies of a thread that enters a spawning call, so that its stack can be unwound. */
import type { Unwound } from './frames.ts';

export interface CallStack {
  /** Unique among the stacks of an engine, and above 0. */
  readonly id: number;
  readonly pid: number;
  readonly tid: number;
  /** The process that it was forked from, if it has not called exec since: both run the same program. */
  readonly forkedFrom?: number;
  readonly cgroup: string;
  /** The kernel's `struct pt_regs`; on arm64 `struct user_pt_regs`. */
  readonly registers: Uint8Array;
  /** The address of the first byte of `stack`. */
  readonly stackStart: bigint;
  /** What could be read, up to the size that was asked for. It may hold secrets: it is wiped after use, and never stored or logged. */
  readonly stack: Uint8Array;
}

/** Numbers of calls whose stack was wanted and is not there. */
export interface StackLosses {
  /** More stacks were wanted in a second than may be copied. */
  readonly overLimit: number;
  readonly ringFull: number;
  /** Nothing of the stack was in memory. */
  readonly unreadable: number;
}

/** What a copied stack became. `id` is that of `CallStack`. */
export interface UnwoundStack {
  readonly id: number;
  readonly unwound: Unwound;
}
