/** Splits bytes into lines of bounded length. */

const NEWLINE = 0x0a;

export interface Line {
  readonly text: string;
  /** The length of the line in bytes. If it exceeds the bound, `text` is only its beginning. */
  readonly bytes: number;
  readonly cut: boolean;
}

const KEPT_OF_CUT_LINE = 1024;

export class LineSplitter {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Gives the lines that end in this chunk. */
  *push(chunk: Buffer): Generator<Line> {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#keep(chunk.subarray(start, end));
      start = end + 1;
      yield this.#take();
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  /** Gives the text after the last newline. */
  *end(): Generator<Line> {
    if (this.#bytes > 0) yield this.#take();
  }

  #keep(part: Buffer): void {
    const before = this.#bytes;
    this.#bytes += part.length;
    if (before > this.#maxBytes) return;
    if (this.#bytes <= this.#maxBytes) this.#parts.push(part);
    else this.#parts = [Buffer.concat([...this.#parts, part]).subarray(0, KEPT_OF_CUT_LINE)];
  }

  #take(): Line {
    const { length } = this.#parts;
    const [only] = this.#parts;
    const text = (length === 1 && only ? only : Buffer.concat(this.#parts)).toString('utf8');
    const line = { text, bytes: this.#bytes, cut: this.#bytes > this.#maxBytes };
    this.#parts = [];
    this.#bytes = 0;
    return line;
  }
}
