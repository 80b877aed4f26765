/** A body that is made once, for any number of readers. */
import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Pieces are made as the fastest reader asks for them, and stay until the last reader has gone: each reader reads at its
 * own pace, from the first piece to the last. Between two pieces the event loop runs.
 */
export class SharedBody {
  /** Kept by those who read. */
  readers = 0;
  readonly #pieces: Buffer[] = [];
  readonly #source: AsyncIterator<Buffer>;
  #bytes = 0;
  #ended = false;
  #making: Promise<void> | undefined;

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** What lies in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  async *read(): AsyncGenerator<Buffer> {
    for (let i = 0; ; i++) {
      while (i >= this.#pieces.length && !this.#ended) await this.#make();
      const piece = this.#pieces[i];
      if (!piece) return;
      yield piece;
    }
  }

  #make(): Promise<void> {
    // One that failed stays: every reader is told.
    this.#making ??= this.#makePiece().then(() => {
      this.#making = undefined;
    });
    return this.#making;
  }

  async #makePiece(): Promise<void> {
    await nextTurn();
    const { value, done } = await this.#source.next();
    if (done) this.#ended = true;
    else {
      this.#pieces.push(value);
      this.#bytes += value.length;
    }
  }
}
