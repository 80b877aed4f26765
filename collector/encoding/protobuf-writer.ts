/**
 * Writes protobuf messages (https://protobuf.dev/programming-guides/encoding). A scrape of 10,000 rows has 600,000 messages
 * of some 15 bytes. The package pbf makes a function and an object for each, and took seven times as long as this.
 */
const WIRE = { varint: 0, fixed64: 1, bytes: 2 } as const;

const FIRST_BYTES = 1 << 14;
const LONGEST_VARINT = 10;
/** A message that is shorter has a length of one byte. */
const SHORT = 0x80;

export class ProtobufWriter {
  #bytes: Buffer;
  #view: DataView;
  #length = 0;

  /** `expectedBytes`: how much will be written, so that it is not copied while it grows. */
  constructor(expectedBytes = FIRST_BYTES) {
    this.#bytes = Buffer.allocUnsafeSlow(expectedBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** What has been written. It stays valid until more is. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** `value`: whole, not negative. Above 2^53 it is as exact as a number is. */
  varintField(field: number, value: number): void {
    this.#reserve(2 * LONGEST_VARINT);
    const at = putVarint(this.#bytes, this.#length, (field << 3) | WIRE.varint);
    this.#length = putVarint(this.#bytes, at, value);
  }

  /** A sint32 or sint64. */
  signedField(field: number, value: number): void {
    this.varintField(field, zigzag(value));
  }

  doubleField(field: number, value: number): void {
    this.#view.setFloat64(this.#fixed64(field), value, true);
  }

  fixed64Field(field: number, value: number): void {
    this.#view.setBigUint64(this.#fixed64(field), BigInt(value), true);
  }

  textField(field: number, text: string): void {
    const start = this.open(field);
    this.#reserve(3 * text.length);
    const bytes = this.#bytes;
    let at = start;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) {
        at += bytes.write(text.slice(i), at);
        break;
      }
      bytes[at++] = code;
    }
    this.#length = at;
    this.close(start);
  }

  /** A sint32 or sint64 without the number of a field, in a packed field that is open. */
  signed(value: number): void {
    this.#reserve(LONGEST_VARINT);
    this.#length = putVarint(this.#bytes, this.#length, zigzag(value));
  }

  /** A short message: one varint, and fields that were written before. Its field and theirs are below 16. */
  shortMessage(field: number, varintField: number, value: number, others: Uint8Array): void {
    this.#reserve(SHORT + 2);
    const bytes = this.#bytes;
    const start = this.#length + 2;
    bytes[start - 2] = (field << 3) | WIRE.bytes;
    bytes[start] = (varintField << 3) | WIRE.varint;
    let at = putVarint(bytes, start + 1, value);
    for (let i = 0; i < others.length; i++) bytes[at++] = others[i] ?? 0;
    bytes[start - 1] = at - start;
    this.#length = at;
  }

  /** Begins a message; its fields follow, then `close` with what this gave. */
  open(field: number): number {
    this.#reserve(LONGEST_VARINT + 1);
    this.#length = putVarint(this.#bytes, this.#length, (field << 3) | WIRE.bytes) + 1;
    return this.#length;
  }

  /** Most messages are short: their length takes the one byte that was left free for it. */
  close(start: number): void {
    const size = this.#length - start;
    if (size < SHORT) this.#bytes[start - 1] = size;
    else this.#closeLong(start, size);
  }

  #closeLong(start: number, size: number): void {
    let more = 0;
    for (let left = size; left >= SHORT; left = Math.floor(left / SHORT)) more++;
    this.#reserve(more);
    this.#bytes.copyWithin(start + more, start, this.#length);
    this.#length = putVarint(this.#bytes, start - 1, size) + size;
  }

  /** Makes room for eight bytes, and gives their place. */
  #fixed64(field: number): number {
    this.#reserve(LONGEST_VARINT + 8);
    const at = putVarint(this.#bytes, this.#length, (field << 3) | WIRE.fixed64);
    this.#length = at + 8;
    return at;
  }

  #reserve(more: number): void {
    if (this.#length + more > this.#bytes.length) this.#grow(more);
  }

  #grow(more: number): void {
    const bytes = Buffer.allocUnsafeSlow(2 * (this.#length + more));
    bytes.set(this.written);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

/** Gives the place after it. Loops keep that in a variable: a field of the writer would be stored for each byte. */
function putVarint(bytes: Buffer, start: number, value: number): number {
  let at = start;
  let left = value;
  for (; left > 0x7fffffff; left = Math.floor(left / 0x80)) bytes[at++] = (left % 0x80) | 0x80;
  for (; left > 0x7f; left >>= 7) bytes[at++] = (left & 0x7f) | 0x80;
  bytes[at++] = left;
  return at;
}

/** The length of a message, as it stands before one in a stream. */
export function delimiter(length: number): Uint8Array {
  const bytes: number[] = [];
  for (let left = length; ; left = Math.floor(left / 0x80)) {
    if (left < 0x80) return Uint8Array.from([...bytes, left]);
    bytes.push((left % 0x80) | 0x80);
  }
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}
