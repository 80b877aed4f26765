/** Reads fields of C structs. Offsets come from the object's own BTF. */
import type { Layout } from '../../system/native.ts';

/** Reads the fields of one struct type from a buffer that holds an array of it. */
export class StructReader {
  readonly size: number;
  readonly #fields: Layout['fields'];
  readonly #bytes: Buffer;

  constructor(layout: Layout, bytes: Uint8Array) {
    this.size = layout.size;
    this.#fields = layout.fields;
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** In bytes, from the start of the struct. */
  offset(field: string): number {
    const place = this.#fields[field];
    if (!place) throw new Error(`spawn.h has no field ${field}`);
    return place.offset;
  }

  /** Gives a reader of an unsigned field of 1, 2, 4 or 8 bytes. It is exact up to 2^53, which is 104 days in nanoseconds. */
  number(field: string): (base: number) => number {
    const offset = this.offset(field);
    const bytes = this.#bytes;
    switch (this.#fields[field]?.size) {
      case 1:
        return (base) => bytes.readUInt8(base + offset);
      case 2:
        return (base) => bytes.readUInt16LE(base + offset);
      case 4:
        return (base) => bytes.readUInt32LE(base + offset);
      default:
        return (base) => bytes.readUInt32LE(base + offset) + bytes.readUInt32LE(base + offset + 4) * 2 ** 32;
    }
  }

  bigint(field: string): (base: number) => bigint {
    const offset = this.offset(field);
    return (base) => this.#bytes.readBigUInt64LE(base + offset);
  }

  /** Gives a reader of the first `size` bytes of a field. They are not copied. */
  bytes(field: string): (base: number, size: number) => Buffer {
    const offset = this.offset(field);
    return (base, size) => this.#bytes.subarray(base + offset, base + offset + size);
  }

  /** Gives a reader of text up to the first NUL. Bytes that are not UTF-8 are replaced. */
  text(field: string): (base: number) => string {
    const offset = this.offset(field);
    const size = this.#fields[field]?.size ?? 0;
    return (base) => {
      const start = base + offset;
      const end = this.#bytes.indexOf(0, start);
      return this.#bytes.toString('utf8', start, end < 0 || end > start + size ? start + size : end);
    };
  }

  /** Gives a reader of an array of unsigned 64-bit numbers. */
  numbers(field: string): (base: number) => number[] {
    const offset = this.offset(field);
    const length = (this.#fields[field]?.size ?? 0) / 8;
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
    return (base) => {
      const values = new Array<number>(length);
      for (let i = 0, at = base + offset; i < length; i++, at += 8)
        values[i] = view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
      return values;
    };
  }
}
