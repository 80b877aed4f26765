/** Keeps one bpftrace running. Starts it again with back-off if it ends or stops answering. */
import { setTimeout as sleep } from 'node:timers/promises';
import { findBpftrace, run, type Bpftrace, type Message, type Trace } from 'bpftrace-wrapper';
import { explained } from './errors.ts';
import { pageBytes } from './page-bytes.ts';
import { probeConstant } from '../shared/probe-constants.ts';
import type { Source } from '../../model/engine.ts';
import type { EngineScript } from './script.ts';

const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 60_000;
/** After a run of this length, the back-off begins again with its first delay. */
const GOOD_RUN_MS = 60_000;
const STALL_MS = 10_000;

export interface SupervisorOptions {
  readonly script: EngineScript;
  readonly cpus: number;
  readonly maxProcesses: number;
  /** The size of all buffers together, over all processors. */
  readonly bufferBytes: number;
  readonly onMessage: (message: Message) => void;
  /** Called when a run is over. It will not report the end of what was under way. */
  readonly onEnd: () => void;
  /** Reports trouble in words for a person. */
  readonly report: (trouble: string) => void;
}

export class Supervisor implements Source {
  readonly #options: SupervisorOptions;
  readonly #closing = new AbortController();
  readonly #bpftrace: Bpftrace;
  #trace: Trace;
  restarts = 0;
  down?: string;

  private constructor(options: SupervisorOptions, bpftrace: Bpftrace, trace: Trace) {
    this.#options = options;
    this.#bpftrace = bpftrace;
    this.#trace = trace;
    void this.#supervise();
  }

  /** @throws FORKTAX_NO_BPFTRACE, FORKTAX_OLD_BPFTRACE, FORKTAX_NO_PRIVILEGE, FORKTAX_BPFTRACE */
  static async start(options: SupervisorOptions): Promise<Supervisor> {
    try {
      const bpftrace = await findBpftrace();
      return new Supervisor(options, bpftrace, await startTrace(options, bpftrace));
    } catch (error) {
      throw explained(error);
    }
  }

  close(): void {
    this.#closing.abort();
    void this.#trace.stop();
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  async #supervise(): Promise<void> {
    let delayMs = FIRST_DELAY_MS;
    while (!this.#closed) {
      const startedAt = performance.now();
      const why = await this.#follow();
      this.#options.onEnd();
      if (performance.now() - startedAt >= GOOD_RUN_MS) delayMs = FIRST_DELAY_MS;
      delayMs = await this.#startAgain(why, delayMs);
    }
  }

  /** Follows the run until it ends, and gives the reason. */
  async #follow(): Promise<string> {
    try {
      for await (const message of this.#trace) this.#options.onMessage(message);
      return 'bpftrace ended';
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** Starts bpftrace again, and gives the delay for the next time. */
  async #startAgain(why: string, firstDelayMs: number): Promise<number> {
    let delayMs = firstDelayMs;
    for (this.down = why; !this.#closed; delayMs = Math.min(2 * delayMs, LONGEST_DELAY_MS)) {
      this.#options.report(`${this.down} Nothing is measured; it is started again in ${delayMs / 1000} s.`);
      await sleep(delayMs, undefined, { signal: this.#closing.signal, ref: false }).catch(() => undefined);
      if (this.#closed) break;
      this.restarts++;
      try {
        this.#trace = await startTrace(this.#options, this.#bpftrace);
        delete this.down;
        if (this.#closed) void this.#trace.stop();
        else this.#options.report('bpftrace runs again.');
        return Math.min(2 * delayMs, LONGEST_DELAY_MS);
      } catch (error) {
        this.down = (error as Error).message;
      }
    }
    return delayMs;
  }
}

function startTrace(
  { script, cpus, bufferBytes, maxProcesses }: SupervisorOptions,
  bpftrace: Bpftrace,
): Promise<Trace> {
  return run({
    script: { text: script.text },
    parameters: script.parametersFor(bpftrace.version),
    bpftrace,
    // Helper errors need stack, of which BPF programs have little.
    helperErrors: false,
    stallTimeoutMs: STALL_MS,
    settings: {
      maxMapKeys: maxProcesses,
      maxStringBytes: probeConstant('FILE_LEN'),
      bufferPages: bufferPages(bufferBytes / cpus),
    },
  });
}

/** Gives the number of pages, a power of two, for a buffer of at most `bytes`. */
function bufferPages(bytes: number): number {
  return Math.max(1, 2 ** Math.floor(Math.log2(bytes / pageBytes())));
}
