/** Reads a script, learns what its output will not say, and adds the heartbeat to it. */

import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { BpftraceError } from './errors.ts';
import type { RunOptions } from './options.ts';

export interface Script {
  readonly text: string;
  readonly file?: string;
}

export async function readScript(script: RunOptions['script']): Promise<Script> {
  if ('text' in script) return { text: script.text };
  try {
    return { text: await readFile(script.file, 'utf8'), file: script.file };
  } catch (error) {
    throw new BpftraceError('BPFTRACE_OPTION', `The script cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Where a script's `#include "…"` is looked for. */
export function folderOf(script: Script): readonly string[] {
  return script.file === undefined ? [] : [resolve(dirname(script.file))];
}

/**
 * A script with a probe that says `beat` from time to time. bpftrace reads what its probes print only when all of them
 * are attached, so the first beat proves the start. The newline ends a comment in the last line.
 */
export function withHeartbeat(text: string, beat: string, everyMs: number): string {
  return `${text}\ninterval:ms:${everyMs} { printf("${beat}\\n"); }\n`;
}

export interface MapFacts {
  readonly keyed: ReadonlySet<string>;
  readonly linear: ReadonlySet<string>;
  readonly known: ReadonlySet<string>;
}

/** Which maps have keys, and which histograms are linear: bpftrace's output does not tell for sure. */
export function findMaps(text: string): MapFacts {
  const code = text.replace(/"(?:[^"\\\n]|\\.)*"|\/\/.*|\/\*[^]*?\*\//g, (found) =>
    found.startsWith('"') ? '""' : ' ',
  );
  const names = (pattern: RegExp): ReadonlySet<string> =>
    new Set(Array.from(code.matchAll(pattern), ([, name]) => name ?? ''));
  return {
    known: names(/(@\w*)/g),
    keyed: names(/(@\w*)\s*\[/g),
    linear: names(/(@\w*)[^;{}=]*=\s*lhist\s*\(/g),
  };
}
