/** Standard input that every run can read from where it stands now. */
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
const PATIENCE_MS = 2_000;

export interface RepeatableInput {
  /** A descriptor to give to one run. */
  open(): number;
  close(fd: number): void;
}

/**
 * A terminal or a device is the same for all; a file is opened anew; anything else, a pipe, is read to its end first.
 * `onWait` is told if that takes long.
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

/** Its offset is the file's, for the run to go on from; lseek is not to be had here. */
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

/** A descriptor of a file without a name. */
async function copyOf(fd: number, onWait: () => void): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'forktax-'));
  const file = openSync(join(directory, 'stdin'), 'w+');
  rmSync(directory, { recursive: true });
  const timer = setTimeout(onWait, PATIENCE_MS);
  for await (const chunk of createReadStream('', { fd, autoClose: false })) writeSync(file, chunk as Buffer);
  clearTimeout(timer);
  return file;
}
