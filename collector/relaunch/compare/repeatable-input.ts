/** Gives each run the same standard input, from its current position on. */
import {
  closeSync,
  createReadStream,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CHUNK_BYTES = 1 << 16;
const LONG_WAIT_MS = 2_000;

export interface RepeatableInput {
  /** Gives a descriptor for one run. */
  open(): number;
  close(fd: number): void;
}

/**
 * All runs share a terminal or a device. A file is opened again for each run. A pipe or a socket is read to its end
 * first; `onWait` is called if that takes long.
 */
export async function repeatableInput(onWait: () => void): Promise<RepeatableInput> {
  const stats = fstatSync(0);
  if (stats.isCharacterDevice()) return { open: () => 0, close: () => {} };
  if (stats.isFile()) return reopened(0, positionOf(0));
  return reopened(await copyOf(0, onWait), 0);
}

function reopened(file: number, position: number): RepeatableInput {
  return {
    open() {
      const fd = openSync(`/proc/self/fd/${file}`, 'r');
      skip(fd, position);
      return fd;
    },
    close: closeSync,
  };
}

/** Moves the offset by reading, because Node has no lseek. */
function skip(fd: number, bytes: number): void {
  const buffer = Buffer.alloc(CHUNK_BYTES);
  for (let left = bytes; left > 0;) {
    const got = readSync(fd, buffer, 0, Math.min(left, buffer.length), null);
    if (got === 0) return;
    left -= got;
  }
}

function positionOf(fd: number): number {
  return Number(/^pos:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1] ?? 0);
}

/** Copies the input to a file that has no name any more, and gives its descriptor. */
async function copyOf(fd: number, onWait: () => void): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'forktax-'));
  const file = openSync(join(directory, 'stdin'), 'w+');
  rmSync(directory, { recursive: true });
  const timer = setTimeout(onWait, LONG_WAIT_MS);
  for await (const chunk of createReadStream('', { fd, autoClose: false })) writeSync(file, chunk as Buffer);
  clearTimeout(timer);
  return file;
}
