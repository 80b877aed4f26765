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

/** Also the paths of probes, whose wildcards can look like comments: `uprobe:/opt/*\/lib/libc.so:malloc`. */
const STRING_OR_COMMENT = /:(?:\\.|[\w\-./#+*$])+|"(?:[^"\\\n]|\\.)*"|\/\/.*|\/\*[^]*?(?:\*\/|(?<open>$))/g;

/** An open comment would take the heartbeat with it. bpftrace before 0.25 refuses it too; later ones do not. */
function checkComments(text: string): void {
  for (const match of text.matchAll(STRING_OR_COMMENT)) {
    if (match.groups?.['open'] === undefined) continue;
    const line = text.slice(0, match.index).split('\n').length;
    throw new BpftraceError('BPFTRACE_SCRIPT', `The comment that begins in line ${line} of the script has no end.`);
  }
}

/**
 * A script with a probe that says `beat` from time to time. bpftrace reads what its probes print only when all of them
 * are attached, so the first beat proves the start. The newline ends a comment in the last line.
 */
export function withHeartbeat(text: string, beat: string, everyMs: number): string {
  checkComments(text);
  return `${text}\ninterval:ms:${everyMs} { printf("${beat}\\n"); }\n`;
}

export interface MapFacts {
  readonly keyed: ReadonlySet<string>;
  readonly linear: ReadonlySet<string>;
  readonly known: ReadonlySet<string>;
}

/** Which maps have keys, and which histograms are linear: bpftrace's output does not tell for sure. */
export function findMaps(text: string): MapFacts {
  const code = text.replace(STRING_OR_COMMENT, (found) =>
    found.startsWith('/') ? ' ' : found.startsWith('"') ? '""' : found,
  );
  const names = (pattern: RegExp): ReadonlySet<string> =>
    new Set(Array.from(code.matchAll(pattern), ([, name]) => name ?? ''));
  return {
    known: names(/(@\w*)/g),
    keyed: names(/(@\w*)\s*\[/g),
    linear: names(/(@\w*)[^;{}=]*=\s*lhist\s*\(/g),
  };
}
