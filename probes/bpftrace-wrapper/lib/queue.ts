/** A bounded queue of messages between bpftrace, which writes them, and the loop that reads them. A full queue makes bpftrace wait. */

import type { Message } from './messages.ts';

export class MessageQueue {
  readonly #maxBytes: number;
  #items: { message: Message; bytes: number }[] = [];
  #bytes = 0;
  #discarding = false;
  #discarded = 0;
  #end: { error?: unknown } | undefined;
  #reader: (() => void) | undefined;
  #writers: (() => void)[] = [];

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get full(): boolean {
    return this.#bytes >= this.#maxBytes && !this.#discarding;
  }

  get discarded(): number {
    return this.#discarded;
  }

  /** Adds the message at once. Resolves when there is room for the next one. */
  put(message: Message, bytes: number): Promise<void> | undefined {
    if (this.#end || (this.#discarding && this.#bytes >= this.#maxBytes)) {
      this.#discarded++;
      return undefined;
    }
    this.#items.push({ message, bytes });
    this.#bytes += bytes;
    this.#wakeReader();
    return this.full ? new Promise((resolve) => this.#writers.push(resolve)) : undefined;
  }

  /** From now on, messages that have no room are discarded, and nobody waits. */
  discardOverflow(): void {
    this.#discarding = true;
    this.#wakeWriters();
  }

  /** Ends the queue. With `error`, reading throws it after the queued messages. Only the first call counts. */
  end(failure: { error?: unknown } = {}): void {
    this.#end ??= failure;
    this.#wakeWriters();
    this.#wakeReader();
  }

  /** Ends the queue at once, and discards the queued messages. */
  abandon(failure: { error?: unknown } = {}): void {
    this.#discarded += this.#items.length;
    this.#items = [];
    this.#bytes = 0;
    this.#end = failure;
    this.#discarding = true;
    this.#wakeWriters();
    this.#wakeReader();
  }

  /** Gives the next message, or undefined at the end. There may be only one reader at a time. */
  async take(): Promise<Message | undefined> {
    while (this.#items.length === 0) {
      if (this.#end) {
        if ('error' in this.#end) throw this.#end.error;
        return undefined;
      }
      await new Promise<void>((resolve) => (this.#reader = resolve));
    }
    const item = this.#items.shift();
    this.#bytes -= item?.bytes ?? 0;
    if (this.#bytes < this.#maxBytes / 2) this.#wakeWriters();
    return item?.message;
  }

  #wakeReader(): void {
    this.#reader?.();
    this.#reader = undefined;
  }

  #wakeWriters(): void {
    for (const wake of this.#writers.splice(0)) wake();
  }
}
