/** Runs one bpftrace from start to end: reads its output, watches its heartbeats, and stops it. */

import { type Decode, toLog } from './decode.ts';
import { BpftraceError } from './errors.ts';
import { death, startFailure } from './failure.ts';
import type { Bpftrace } from './find.ts';
import type { Exit, Guarded } from './guard.ts';
import { type Line, LineSplitter } from './lines.ts';
import type { Message } from './messages.ts';
import { MessageQueue } from './queue.ts';
import { Tail } from './tail.ts';
import type { Ending, Trace } from './trace.ts';

export interface SessionOptions {
  readonly beat: string;
  /** The file of the script, for messages. bpftrace gets the script on stdin. */
  readonly file?: string;
  readonly heartbeats: boolean;
  readonly heartbeatMs: number;
  readonly startTimeoutMs: number;
  readonly stallTimeoutMs: number;
  readonly stopTimeoutMs: number;
  readonly maxQueuedBytes: number;
  readonly maxLineBytes: number;
}

const TICK_MS = 250;
const REPEAT_SIGINT_MS = 1000;
/** The memory of a message in addition to the bytes of its line. */
const MESSAGE_BYTES = 64;

export class Session implements Trace {
  readonly bpftrace: Bpftrace;
  readonly ended: Promise<Ending>;
  readonly #child: Guarded;
  readonly #decode: Decode;
  readonly #options: SessionOptions;
  readonly #queue: MessageQueue;
  readonly #stderr = new Tail(16 << 10);
  readonly #started = Promise.withResolvers<void>();
  #isStarted = false;
  #beats = 0;
  #lostEvents = 0;
  #quietTicks = 0;
  #exited = false;
  #stopping = false;
  #killed = false;
  #interruptedAt = 0;
  #failure: BpftraceError | undefined;
  #iterated = false;

  constructor(child: Guarded, bpftrace: Bpftrace, decode: Decode, options: SessionOptions) {
    this.#child = child;
    this.bpftrace = bpftrace;
    this.#decode = decode;
    this.#options = options;
    this.#queue = new MessageQueue(options.maxQueuedBytes);
    this.ended = this.#live();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Resolves when the script runs or has run. If it rejects, bpftrace is gone. */
  async start(signal?: AbortSignal): Promise<void> {
    const onAbort = (): void => this.#abort(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    void this.ended.then(() => signal?.removeEventListener('abort', onAbort));
    const timeout = setTimeout(() => {
      const seconds = this.#options.startTimeoutMs / 1000;
      const message = `bpftrace gave no sign of life within ${seconds} s of its start. A busy machine needs more: startTimeoutMs.`;
      this.#fail(new BpftraceError('BPFTRACE_NO_START', message, { stderr: this.#said }));
    }, this.#options.startTimeoutMs);
    try {
      await this.#started.promise;
    } finally {
      clearTimeout(timeout);
    }
    signal?.throwIfAborted();
  }

  stop(): Promise<Ending> {
    if (!this.#stopping && !this.#exited) {
      this.#stopping = true;
      this.#queue.discardOverflow();
      this.#interrupt();
      const timeout = setTimeout(() => this.#kill(), this.#options.stopTimeoutMs);
      void this.#child.exited.then(() => clearTimeout(timeout));
    }
    return this.ended;
  }

  [Symbol.asyncIterator](): AsyncIterator<Message, undefined> {
    if (this.#iterated) throw new TypeError('a trace can be iterated once');
    this.#iterated = true;
    return {
      next: async () => {
        const value = await this.#queue.take();
        return value === undefined ? { value, done: true } : { value, done: false };
      },
      return: async () => {
        await this[Symbol.asyncDispose]();
        return { value: undefined, done: true };
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#queue.abandon();
    await this.stop();
  }

  async #live(): Promise<Ending> {
    const watch = setInterval(() => this.#tick(), TICK_MS);
    const exited = this.#child.exited.then((exit) => {
      this.#exited = true;
      this.#quietTicks = 0;
      return exit;
    });
    await Promise.all([exited, this.#readOutput(), this.#readErrors()]);
    clearInterval(watch);
    return this.#settle(await exited);
  }

  #settle(exit: Exit): Ending {
    const reason = this.#failure ? 'failed' : this.#stopping ? 'stopped' : exit.exitCode === 0 ? 'exited' : 'failed';
    if (reason === 'failed') {
      this.#failure ??= (this.#isStarted ? death : startFailure)(exit, this.#said);
      this.#queue.end({ error: this.#failure });
      this.#started.reject(this.#failure);
    } else {
      this.#queue.end();
      this.#started.resolve();
    }
    const { discarded } = this.#queue;
    return { reason, ...exit, killed: this.#killed, discarded, lostEvents: this.#lostEvents };
  }

  async #readOutput(): Promise<void> {
    const lines = new LineSplitter(this.#options.maxLineBytes);
    try {
      for await (const chunk of this.#child.stdout) {
        this.#quietTicks = 0;
        for (const line of lines.push(chunk as Buffer)) await this.#takeOutput(line);
      }
      for (const line of lines.end()) await this.#takeOutput(line);
    } catch {
      // The stream is destroyed because another process has the pipe open.
    }
  }

  async #readErrors(): Promise<void> {
    const lines = new LineSplitter(this.#options.maxLineBytes);
    try {
      for await (const chunk of this.#child.stderr) {
        this.#stderr.push(chunk as Buffer);
        for (const line of lines.push(chunk as Buffer)) await this.#takeError(line);
      }
      for (const line of lines.end()) await this.#takeError(line);
    } catch {
      // The stream is destroyed for the same reason.
    }
  }

  #takeOutput(line: Line): Promise<void> | undefined {
    if (line.cut) {
      const text = `a line of ${line.bytes} bytes was dropped; maxLineBytes is ${this.#options.maxLineBytes}: ${line.text.slice(0, 80)}`;
      return this.#put({ type: 'warning', source: 'wrapper', text }, line);
    }
    if (line.text.trim() === '') return undefined;
    const message = this.#decode(line.text);
    if (message.type === 'printf' && message.text === `${this.#options.beat}\n`) return this.#takeBeat(line);
    if (message.type === 'lost') this.#lostEvents += message.events;
    if (message.type === 'attached') return this.#takeAttached(message.probes - 1, line);
    return this.#put(message, line);
  }

  /** Without the heartbeat, which would keep a script alive that has nothing else to wait for. */
  #takeAttached(probes: number, line: Line): Promise<void> | undefined {
    if (probes === 0) {
      const message = "bpftrace did not start: the script's probes match nothing on this system.";
      this.#fail(new BpftraceError('BPFTRACE_NOT_ATTACHED', message, { stderr: this.#said }));
    }
    return this.#put({ type: 'attached', probes }, line);
  }

  #takeBeat(line: Line): Promise<void> | undefined {
    this.#beats++;
    this.#setStarted();
    // bpftrace 0.17 misses a SIGINT while it is not waiting. A second one while it prints its maps would end the printing.
    if (this.#stopping && Date.now() - this.#interruptedAt >= REPEAT_SIGINT_MS) this.#interrupt();
    return this.#options.heartbeats ? this.#put({ type: 'heartbeat', beat: this.#beats }, line) : undefined;
  }

  #takeError(line: Line): Promise<void> | undefined {
    if (line.text.trim() === '') return undefined;
    // The verifier can print more than the queue holds before anybody reads. The error has the end of it.
    if (!this.#isStarted && this.#queue.full) return undefined;
    return this.#put(toLog(this.#name(line.text), 'stderr'), line);
  }

  get #said(): string {
    return this.#name(this.#stderr.text);
  }

  #name(text: string): string {
    const { file } = this.#options;
    return file === undefined ? text : text.replace(/^stdin(?=:\d)/gm, () => file);
  }

  #put(message: Message, line: Line): Promise<void> | undefined {
    const room = this.#queue.put(message, line.bytes + MESSAGE_BYTES);
    // So much output shows that the script runs. Its first beat would wait behind the output.
    if (room && !isLog(message)) this.#setStarted();
    return room;
  }

  #setStarted(): void {
    this.#isStarted = true;
    this.#started.resolve();
  }

  /** Counts time only while output is read, so that a slow reader does not look like a dead bpftrace. */
  #tick(): void {
    this.#quietTicks = this.#queue.full ? 0 : this.#quietTicks + 1;
    const quietMs = this.#quietTicks * TICK_MS;
    const { stallTimeoutMs, stopTimeoutMs } = this.#options;
    if (this.#exited) {
      if (quietMs > stopTimeoutMs) this.#destroyPipes();
    } else if (this.#isStarted && !this.#stopping && stallTimeoutMs > 0 && quietMs > stallTimeoutMs) {
      const message = `bpftrace was silent for ${stallTimeoutMs / 1000} s, without even a heartbeat; it was killed.`;
      this.#fail(new BpftraceError('BPFTRACE_STALLED', message, { stderr: this.#said }));
    }
  }

  #destroyPipes(): void {
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
  }

  #abort(reason: unknown): void {
    this.#queue.abandon({ error: reason });
    void this.stop();
  }

  #fail(failure: BpftraceError): void {
    this.#failure ??= failure;
    this.#queue.discardOverflow();
    this.#kill();
  }

  #interrupt(): void {
    this.#interruptedAt = Date.now();
    this.#child.kill('SIGINT');
  }

  #kill(): void {
    this.#killed = true;
    this.#child.kill('SIGKILL');
  }
}

function isLog(message: Message): boolean {
  return message.type === 'note' || message.type === 'warning' || message.type === 'error';
}
