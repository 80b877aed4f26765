/** The first bytes of a file, which tell a script from a program. */
import { closeSync, openSync, readSync } from 'node:fs';

/** Reads at most `size` bytes as one character each; gives undefined if the file cannot be read. */
export function readStart(path: string, size: number): string | undefined {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(size);
      return bytes.toString('latin1', 0, readSync(file, bytes, 0, size, 0));
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}

/** bash looks at no more bytes to tell text from a binary file. */
const TEXT_SAMPLE_BYTES = 80;

/** Decides as bash does: a text has no NUL in its first line. */
export function isText(start: string): boolean {
  return !/^[^\n]*\0/.test(start.slice(0, TEXT_SAMPLE_BYTES));
}

/** Tells whether a shell would run this file, which the kernel refused with ENOEXEC. */
export function isShellText(path: string): boolean {
  return isText(readStart(path, TEXT_SAMPLE_BYTES) ?? '');
}
