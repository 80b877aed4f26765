/** The options of a run and their defaults. */

import type { Bpftrace } from './find.ts';

/** bpftrace's own settings, with the same names for all versions. Absent ones keep bpftrace's default. */
export interface Settings {
  /** How many keys one map can hold. bpftrace's default is 4096. */
  readonly maxMapKeys?: number;
  /** Bytes of one `str()`. bpftrace's default is 64, and 1024 from 0.23 on. Before 0.22, the maximum is 200. */
  readonly maxStringBytes?: number;
  /** Memory pages of the buffer for events on each CPU, a power of two. bpftrace's default is 64. Events that do not fit are lost. */
  readonly bufferPages?: number;
  /** How many probes a script can have. bpftrace's default is 512, and 1024 from 0.20 on. */
  readonly maxProbes?: number;
  /** Bytes for the verifier's log, which bpftrace shows when the kernel refuses a program. */
  readonly logBytes?: number;
  /** A file with the kernel's types, such as one of BTFHub. */
  readonly btf?: string;
}

export interface RunOptions {
  /** A script's text, or the path of its file. */
  readonly script: { readonly text: string } | { readonly file: string };
  /** `$1`, `$2`, …: strings are for `str($1)`, integers for `$1`. They are never parsed as code or as options. */
  readonly parameters?: readonly (string | number | bigint)[];
  /** The result of `findBpftrace()`, which is called by default. */
  readonly bpftrace?: Bpftrace;
  readonly settings?: Settings;
  /** Folders for `#include`, in addition to the script's own folder. */
  readonly includeFolders?: readonly string[];
  /**
   * Reports BPF helpers that fail, for example because a map is full. Default true. This costs a few instructions at each
   * call of a helper, and some stack. With false, bpftrace from 0.23 on also gives no warnings about the script.
   */
  readonly helperErrors?: boolean;
  /** Allows `system()` and other functions that bpftrace calls unsafe. Default false. */
  readonly unsafe?: boolean;
  /** The environment of bpftrace, without its settings. Default: that of this process, without any `BPFTRACE_*`. */
  readonly env?: Readonly<Record<string, string | undefined>>;

  /** Stops the run as `stop()` does. The iteration then throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** Milliseconds between heartbeats; default 250. */
  readonly heartbeatMs?: number;
  /** Also gives heartbeats as messages. Default false. */
  readonly heartbeats?: boolean;
  /** Milliseconds from start to the first heartbeat. Default 60,000, because bpftrace may compile on a busy machine. */
  readonly startTimeoutMs?: number;
  /** The run fails after so many milliseconds without output, while output is read. Default 30,000; 0: never. */
  readonly stallTimeoutMs?: number;
  /** Milliseconds from SIGINT to SIGKILL, when stopping; default 5,000. */
  readonly stopTimeoutMs?: number;
  /** Bytes of output that may wait to be read. Beyond this, bpftrace waits, and loses and counts events. Default 1 MiB. */
  readonly maxQueuedBytes?: number;
  /** The most bytes of one line. A longer one is dropped with a warning. Default 16 MiB, because a map is one line. */
  readonly maxLineBytes?: number;
}
