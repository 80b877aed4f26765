/** What a run can be told, and what is so when it is not. */

import type { Bpftrace } from './find.ts';

/** bpftrace's own settings, under one name whatever the version calls them. What is absent stays as bpftrace has it. */
export interface Settings {
  /** Keys that one map can hold; bpftrace: 4096. */
  readonly maxMapKeys?: number;
  /** Bytes of one `str()`; bpftrace: 64, and 1024 from 0.23 on. Before 0.22 at most 200. */
  readonly maxStringBytes?: number;
  /** Memory pages of the buffer for events, for each CPU: a power of two; bpftrace: 64. What it cannot hold is lost. */
  readonly bufferPages?: number;
  /** bpftrace: 512, and 1024 from 0.20 on. */
  readonly maxProbes?: number;
  /** Bytes for the verifier's log, which bpftrace shows when the kernel refuses a program. */
  readonly logBytes?: number;
  /** Where the kernel's types are: a file, as of BTFHub. */
  readonly btf?: string;
}

export interface RunOptions {
  /** A script's text, or the path of its file. */
  readonly script: { readonly text: string } | { readonly file: string };
  /** `$1`, `$2`, …: strings are for `str($1)`, integers for `$1`. They are never parsed as code or as options. */
  readonly parameters?: readonly (string | number | bigint)[];
  /** As `findBpftrace()` found it; without it, it is looked for. */
  readonly bpftrace?: Bpftrace;
  readonly settings?: Settings;
  /** Folders for `#include`; a script's own folder is always one. */
  readonly includeFolders?: readonly string[];
  /**
   * Report BPF helpers that fail: a full map, say. Default true. It costs each helper call a few instructions, and the
   * program some of its stack. With false, bpftrace from 0.23 on gives no warnings about the script either.
   */
  readonly helperErrors?: boolean;
  /** Allow `system()` and what else bpftrace calls unsafe. Default false. */
  readonly unsafe?: boolean;
  /** Environment of bpftrace, beside its settings; default this process's own, without any `BPFTRACE_*`. */
  readonly env?: Readonly<Record<string, string | undefined>>;

  /** Stops the run as `stop()` does; iterating then throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** Milliseconds between heartbeats; default 250. */
  readonly heartbeatMs?: number;
  /** Give heartbeats as messages too. Default false. */
  readonly heartbeats?: boolean;
  /** Milliseconds from start to the first heartbeat; default 60,000, for bpftrace may have to compile on a busy machine. */
  readonly startTimeoutMs?: number;
  /** Milliseconds without any output, although it is being read, after which the run has failed; default 30,000; 0: never. */
  readonly stallTimeoutMs?: number;
  /** Milliseconds from SIGINT to SIGKILL, when stopping; default 5,000. */
  readonly stopTimeoutMs?: number;
  /** Bytes of output that may wait to be read; beyond them bpftrace waits, and loses events that it will count. 1 MiB. */
  readonly maxQueuedBytes?: number;
  /** Bytes of one line; a longer one is dropped with a warning. Default 16 MiB: a map is one line. */
  readonly maxLineBytes?: number;
}
