/** Writes the result to a file at once: whoever reads it sees all of it, or what was there before. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { ForktaxError } from '../model/errors.ts';

/** @throws FORKTAX_OUTPUT */
export function writeWhole(path: string, content: Buffer | string): void {
  const beside = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(beside, content, { flag: 'wx' });
    renameSync(beside, path);
  } catch (cause) {
    rmSync(beside, { force: true });
    throw new ForktaxError('FORKTAX_OUTPUT', `cannot write ${path}: ${(cause as Error).message}`, { cause });
  }
}
