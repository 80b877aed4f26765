/**
 * The frames of a recording. Each is a Zstandard frame (RFC 8878), after a skippable frame that holds its length and
 * CRC-32. So `zstdcat` reads a recording, and of a file that was cut off or damaged all frames before the damage are good.
 */
import { readSync } from 'node:fs';
import * as zlib from 'node:zlib';
import { ForktaxError } from '../model/errors.ts';

/** The header: magic number of a skippable frame, its size, and the two numbers it holds. All are little-endian. */
const HEADER_BYTES = 16;
const SKIPPABLE_MAGIC = 0x184d_2a5e;
const SKIPPABLE_BYTES = 8;

/** No more is decompressed of one frame, whatever it claims to hold. */
const MAX_FRAME_BYTES = 256 << 20;

/** @throws FORKTAX_RECORDING when this Node.js has no Zstandard */
export function encodeFrame(text: string): Buffer {
  const { zstdCompressSync } = zlib;
  if (typeof zstdCompressSync !== 'function')
    throw new ForktaxError('FORKTAX_RECORDING', `recordings need Node.js 22.15 or later; this is ${process.version}`);
  const frame = zstdCompressSync(text);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(SKIPPABLE_MAGIC, 0);
  header.writeUInt32LE(SKIPPABLE_BYTES, 4);
  header.writeUInt32LE(frame.length, 8);
  header.writeUInt32LE(zlib.crc32(frame), 12);
  return Buffer.concat([header, frame]);
}

/** Why no frame follows: the file ends, it ends within a frame, or it holds something else. */
export type Ending = 'end' | 'cut-off' | 'damaged';

/** Yields the text of each good frame. Returns why it ended. */
export function* readFrames(fd: number): Generator<string, Ending> {
  for (let at = 0; ;) {
    const header = readAt(fd, at, HEADER_BYTES);
    if (header.length === 0) return 'end';
    if (header.length < HEADER_BYTES) return 'cut-off';
    if (header.readUInt32LE(0) !== SKIPPABLE_MAGIC || header.readUInt32LE(4) !== SKIPPABLE_BYTES) return 'damaged';
    const length = header.readUInt32LE(8);
    if (length > MAX_FRAME_BYTES) return 'damaged';
    const frame = readAt(fd, at + HEADER_BYTES, length);
    if (frame.length < length) return 'cut-off';
    const text = zlib.crc32(frame) === header.readUInt32LE(12) ? decompress(frame) : undefined;
    if (text === undefined) return 'damaged';
    yield text;
    at += HEADER_BYTES + length;
  }
}

function decompress(frame: Buffer): string | undefined {
  try {
    return zlib.zstdDecompressSync(frame, { maxOutputLength: MAX_FRAME_BYTES }).toString();
  } catch {
    return undefined;
  }
}

/** Gives fewer bytes where the file ends. */
function readAt(fd: number, position: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  let have = 0;
  while (have < length) {
    const read = readSync(fd, buffer, have, length - have, position + have);
    if (read === 0) break;
    have += read;
  }
  return buffer.subarray(0, have);
}
