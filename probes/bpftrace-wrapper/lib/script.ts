/** Reads a script, finds facts that its output does not have, and adds the heartbeat. */

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

/** Gives the folder where `#include "…"` of a script is searched. */
export function folderOf(script: Script): readonly string[] {
  return script.file === undefined ? [] : [resolve(dirname(script.file))];
}

/** Also matches the paths of probes, whose wildcards can look like comments: `uprobe:/opt/*\/lib/libc.so:malloc`. */
const STRING_OR_COMMENT = /:(?:\\.|[\w\-./#+*$])+|"(?:[^"\\\n]|\\.)*"|\/\/.*|\/\*[^]*?(?:\*\/|(?<open>$))/g;

/** Rejects an open comment, which would include the heartbeat. bpftrace before 0.25 also rejects it; later versions do not. */
function checkComments(text: string): void {
  for (const match of text.matchAll(STRING_OR_COMMENT)) {
    if (match.groups?.['open'] === undefined) continue;
    const line = text.slice(0, match.index).split('\n').length;
    throw new BpftraceError('BPFTRACE_SCRIPT', `The comment that begins in line ${line} of the script has no end.`);
  }
}

/**
 * Adds a probe that prints `beat` at intervals. bpftrace reads the output of its probes only when all of them are attached,
 * so the first beat proves the start. The newline ends a comment in the last line.
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

/** Finds the maps that have keys and the histograms that are linear. bpftrace's output does not always show that. */
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
