/** One run of bpftrace. */

import type { Message } from './messages.ts';
import type { Bpftrace } from './find.ts';

/** How a run ended. */
export interface Ending {
  /** `exited`: by itself, with success. `stopped`: by `stop()`, the signal, or the end of the iteration. */
  readonly reason: 'exited' | 'stopped' | 'failed';
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether SIGKILL was needed, because SIGINT was not enough. */
  readonly killed: boolean;
  /** The number of messages that were discarded while stopping, because nobody read them. */
  readonly discarded: number;
  /** The total number of events that bpftrace reported as lost. */
  readonly lostEvents: number;
}

/**
 * Gives messages in their order. It can be iterated once, and leaving the loop stops bpftrace. The iteration ends when bpftrace
 * exits successfully or was stopped. It throws a `BpftraceError` if bpftrace died.
 */
export interface Trace extends AsyncIterable<Message>, AsyncDisposable {
  readonly pid: number;
  readonly bpftrace: Bpftrace;
  /** Resolves when bpftrace is gone and all of its output was read; never rejects. */
  readonly ended: Promise<Ending>;
  /**
   * Sends SIGINT, after which bpftrace runs END and prints its maps, and SIGKILL after `stopTimeoutMs`. The rest of the output
   * can still be read; beyond `maxQueuedBytes` it is discarded and counted. May be called again.
   */
  stop(): Promise<Ending>;
}
