/** Writes protobuf messages: https://protobuf.dev/programming-guides/encoding/. */
const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;

/** One message under construction. Fields are written in the order of the calls. */
export class ProtobufMessage {
  readonly #parts: Uint8Array[] = [];

  /** A whole number, not negative. */
  uint(field: number, value: number | bigint): this {
    this.#parts.push(varint((field << 3) | VARINT), varint(value));
    return this;
  }

  fixed64(field: number, value: bigint): this {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(value);
    this.#parts.push(varint((field << 3) | FIXED64), bytes);
    return this;
  }

  double(field: number, value: number): this {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    this.#parts.push(varint((field << 3) | FIXED64), bytes);
    return this;
  }

  string(field: number, value: string): this {
    return this.#bytes(field, Buffer.from(value));
  }

  message(field: number, value: ProtobufMessage): this {
    return this.#bytes(field, value.finish());
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #bytes(field: number, bytes: Uint8Array): this {
    this.#parts.push(varint((field << 3) | LENGTH_DELIMITED), varint(bytes.length), bytes);
    return this;
  }
}

function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
