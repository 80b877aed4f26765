import { constants, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';

/** Reads a file that may be missing or forbidden; gives no bytes then. */
export function tryReadBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}

/** Reads a file as `tryReadBytes` does, and gives one character for each byte. */
export function tryReadText(path: string): string {
  return tryReadBytes(path).toString('latin1');
}

/**
 * Reads a file that a person named. A fifo, a device or a file without end would stop the program: only regular files
 * of at most `mostBytes` are read.
 */
export async function readRegularFile(path: string, mostBytes: number): Promise<Buffer> {
  // A fifo without a writer opens at once that way.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new Error('it is not a regular file');
    const bytes = Buffer.alloc(mostBytes + 1);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    if (bytesRead > mostBytes) throw new Error(`it is larger than ${mostBytes >> 10} KiB`);
    return bytes.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
