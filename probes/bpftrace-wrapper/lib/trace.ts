/** One run of bpftrace. */

import type { Message } from './messages.ts';
import type { Bpftrace } from './find.ts';

/** How a run ended, and what its reader should know of it. */
export interface Ending {
  /** `exited`: by itself, with success. `stopped`: by `stop()`, the signal, or the end of the iteration. */
  readonly reason: 'exited' | 'stopped' | 'failed';
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** SIGINT was not enough. */
  readonly killed: boolean;
  /** Messages that found no reader while stopping. */
  readonly discarded: number;
  /** Events that bpftrace said that it lost, in all. */
  readonly lostEvents: number;
}

/**
 * Messages in their order. Iterate once; leaving the loop stops bpftrace. The iteration ends when bpftrace exits with
 * success or was stopped, and throws a `BpftraceError` when it died.
 */
export interface Trace extends AsyncIterable<Message>, AsyncDisposable {
  readonly pid: number;
  readonly bpftrace: Bpftrace;
  /** Resolves when bpftrace is gone and all of its output was read; never rejects. */
  readonly ended: Promise<Ending>;
  /**
   * SIGINT, upon which bpftrace runs its END and prints its maps, then SIGKILL after `stopTimeoutMs`. What it still
   * says can be read on; beyond `maxQueuedBytes` it is discarded and counted. Idempotent.
   */
  stop(): Promise<Ending>;
}
