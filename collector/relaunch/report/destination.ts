/** Where a report goes: standard error, or a file. */
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { ForktaxError } from '../../model/errors.ts';

export interface Report {
  /** True if the user asked for a file or for JSON: then even a report that says little is written. */
  readonly isRequested: boolean;
  write(forms: { text: (width: number) => string; json: () => object }): void;
}

/**
 * Opens the file at once, so that an error is known before the program runs.
 * @throws FORKTAX_USAGE
 */
export function openReport({
  report: path,
  json,
}: {
  report?: string | undefined;
  json?: boolean | undefined;
}): Report {
  const file = path === undefined ? undefined : open(path);
  return {
    isRequested: path !== undefined || json === true,
    write(forms) {
      const width = file === undefined ? (process.stderr.columns ?? Infinity) : Infinity;
      const text = json ? `${JSON.stringify(forms.json())}\n` : forms.text(width);
      if (file === undefined) say(text);
      else writeAndClose(file, text);
    },
  };
}

function open(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (cause) {
    throw new ForktaxError('FORKTAX_USAGE', `the report cannot be written: ${(cause as Error).message}`, { cause });
  }
}

/** The program has ended by now: a full disk must not change its exit status. */
function writeAndClose(file: number, text: string): void {
  try {
    writeFileSync(file, text);
    closeSync(file);
  } catch (error) {
    say(`forktax: the report could not be written: ${(error as Error).message}\n`);
  }
}

const STDERR = 2;
const RETRY_MS = 5;

/** Writes to standard error, which the program uses too. If nobody reads it, the exit status must not change. */
export function say(text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(STDERR, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS); // the program made it non-blocking
    }
  }
}
