import { readFileSync } from 'node:fs';

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
