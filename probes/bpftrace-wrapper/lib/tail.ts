/** Keeps the last bytes of a stream. */
export class Tail {
  readonly #maxBytes: number;
  #kept: Buffer = Buffer.alloc(0);

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(chunk: Buffer): void {
    this.#kept = Buffer.concat([this.#kept, chunk]).subarray(-this.#maxBytes);
  }

  get text(): string {
    return this.#kept.toString('utf8');
  }
}
