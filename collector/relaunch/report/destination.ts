import { closeSync, openSync, writeSync } from 'node:fs';
import { ForktaxError } from '../../model/errors.ts';

export interface Report {
  /** Somebody wants it even if it says little. */
  readonly isAskedFor: boolean;
  write(forms: { text: (width: number) => string; json: () => object }): void;
}

/** Opened before the program runs: it would be a pity to find out afterwards. */
export function openReport({
  report: path,
  json,
}: {
  report?: string | undefined;
  json?: boolean | undefined;
}): Report {
  const file = path === undefined ? undefined : tryOpen(path);
  return {
    isAskedFor: path !== undefined || json === true,
    write(forms) {
      const width = file === undefined ? (process.stderr.columns ?? Infinity) : Infinity;
      const text = json ? `${JSON.stringify(forms.json())}\n` : forms.text(width);
      if (file === undefined) say(text);
      else {
        writeSync(file, text);
        closeSync(file);
      }
    },
  };
}

function tryOpen(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (cause) {
    throw new ForktaxError('FORKTAX_USAGE', `the report cannot be written: ${(cause as Error).message}`, { cause });
  }
}

const STDERR = 2;
const RETRY_MS = 5;

/** To standard error, which is the program's own too: if nobody reads it, that must not change the exit status. */
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
