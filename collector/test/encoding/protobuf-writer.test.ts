/** The bytes of protobuf messages, against the examples and the rules of the encoding guide. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtobufWriter } from '../../encoding/protobuf-writer.ts';

function written(write: (writer: ProtobufWriter) => void): number[] {
  const writer = new ProtobufWriter();
  write(writer);
  return [...writer.written];
}

test('varints have seven bits a byte, the low ones first; text is UTF-8', () => {
  const bytes = written((writer) => {
    writer.varintField(1, 300);
    writer.textField(2, 'a\u00e9');
  });
  assert.deepEqual(bytes, [0x08, 0xac, 0x02, 0x12, 0x03, 0x61, 0xc3, 0xa9]);
});

test('a number above 2^53 is written as it is', () => {
  const value = 1_800_000_000_000_000_000;
  const [, ...bytes] = written((writer) => writer.varintField(1, value));
  const read = bytes.reduceRight((sum, byte) => (sum << 7n) | BigInt(byte & 0x7f), 0n);
  assert.equal(read, BigInt(value));
});

test('a message has the length of its fields before it, also where that takes two bytes', () => {
  const bytes = written((writer) => {
    const at = writer.open(3);
    writer.textField(1, 'x'.repeat(200));
    writer.close(at);
  });
  assert.deepEqual(bytes.slice(0, 6), [0x1a, 0xcb, 0x01, 0x0a, 0xc8, 0x01]);
  assert.equal(bytes.length, 206);
});

test('fixed64 has eight bytes, the low ones first', () => {
  assert.deepEqual(written((writer) => writer.fixed64Field(47, 258)).slice(-8), [2, 1, 0, 0, 0, 0, 0, 0]);
});

test('signed numbers are zigzag, and a packed field has them one after the other', () => {
  const bytes = written((writer) => {
    const at = writer.open(13);
    for (const value of [0, -1, 1, -64, 64]) writer.signed(value);
    writer.close(at);
  });
  assert.deepEqual(bytes, [0x6a, 0x06, 0x00, 0x01, 0x02, 0x7f, 0x80, 0x01]);
});

test('a short message is that of its fields', () => {
  const others = Uint8Array.from(written((writer) => writer.doubleField(2, 0.5)));
  const expected = written((writer) => {
    const at = writer.open(3);
    writer.varintField(1, 300);
    writer.doubleField(2, 0.5);
    writer.close(at);
  });
  assert.deepEqual(
    written((writer) => writer.shortMessage(3, 1, 300, others)),
    expected,
  );
});

test('a writer grows beyond what was expected of it', () => {
  const writer = new ProtobufWriter(4);
  for (let i = 0; i < 100; i++) writer.varintField(1, i);
  assert.deepEqual(
    [...writer.written],
    written((other) => Array.from({ length: 100 }, (_, i) => other.varintField(1, i))),
  );
});
