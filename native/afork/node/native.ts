/** The addon: what it does, and what its numbers mean. It validates nothing; `request.ts` does. */

/** Entries of a map of descriptors that are no descriptor of this process. */
export const FD_IGNORE = -1;
export const FD_PIPE = -2;

/** Bits of `flags`. */
export const DETACHED = 1;
/** Look at directory, descriptors and program first, and fail at once with what the child would fail with. */
export const STRICT = 2;
/** Wait for the outcome of the exec, as Node's own does. */
export const WAIT = 4;
/** Do not even wait until the child has its own descriptors. */
export const NO_WAIT = 8;

export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  /** `NAME=value`; absent: this process's own. */
  readonly environment: readonly string[] | undefined;
  /** Empty: this process's own. */
  readonly cwd: string;
  /** The child's descriptor i; `FD_PIPE` entries are replaced by this process's end of the pipe, or -1. */
  readonly fds: Int32Array;
  readonly flags: number;
}

export interface SyncLimits {
  /** What to write to each descriptor; undefined: nothing. */
  readonly inputs: readonly (Uint8Array | undefined)[];
  /** Milliseconds; 0: none. */
  readonly timeoutMs: number;
  /** Bytes over all descriptors; 0: none. */
  readonly maxBytes: number;
  readonly killSignal: number;
}

export interface SyncResult {
  /** Negative errno, or 0. */
  readonly error: number;
  readonly pid: number;
  /** -1: it never ran. */
  readonly status: number;
  /** 0: none. */
  readonly signal: number;
  /** What each pipe gave; undefined where there was none. */
  readonly output: readonly (Uint8Array | undefined)[];
}

export interface Counts {
  /** Children by what the C library used, named as `afork_mechanism_name()` does. */
  readonly mechanisms: Readonly<Record<string, number>>;
  readonly spawns: number;
  readonly syncSpawns: number;
  /**
   * Spawns that blocked until the exec: only the exec can tell whether its arguments are too long, the setting is `exec`,
   * or the process is short of descriptors.
   */
  readonly waits: number;
  /**
   * Spawns that returned before the child had its own descriptors: all processors were busy for 5 ms, or the setting is
   * `none`.
   */
  readonly unsettled: number;
  /** How often a child was looked at to learn of its exec or exit: a few times for each child, however many live. */
  readonly looks: number;
}

/** One per thread; children are known by pid, which stays theirs until their exit has been told. */
export interface Native {
  /** The pid, or a negative errno. Exec failures that no look could foresee come as exits with a negative status. */
  spawn(program: Program): number;
  /** Blocks until the child has gone and every pipe of its own has closed. */
  spawnSync(program: Program, limits: SyncLimits): SyncResult;
  /** 0 or a negative errno; never signals another process that got the same pid. */
  kill(pid: number, signal: number): number;
  /** Whether children still to exit keep the event loop alive. */
  hold(held: boolean): void;
  /** Whether the child has executed or failed; if not, `onStart` will be told when it executes. */
  hasStarted(pid: number): boolean;
  onStart(callback: (pid: number) => void): void;
  /** `status` is the exit code, or a negative errno of a child that never ran its program. */
  onExit(callback: (pid: number, status: number, signal: number) => void): void;
  /** Calls `close`, which lets the spawn of one of Node's process handles fail and closes it: closing.h says why. */
  closeUnspawned(close: () => void): void;
  counts(): Counts;
}
