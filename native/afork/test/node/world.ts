/** What a case of the table gets, and how it writes down what it saw: only what must be equal, so no pids and no times. */

import type childProcess from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface World {
  /** child_process, or the functions of `afork` in their place. */
  readonly cp: typeof childProcess;
  /** Empty but for what `furnish()` puts there. */
  readonly dir: string;
}

type Case = (world: World) => unknown;
export type Cases = Readonly<Record<string, Case>>;

/** Programs of every sort. */
export function furnish(dir: string): void {
  const file = (name: string, text: string, mode: number): void => {
    writeFileSync(join(dir, name), text);
    chmodSync(join(dir, name), mode);
  };
  file('no-shebang', 'echo "no shebang: $0 $1"\n', 0o755);
  file('not-executable', '#!/bin/sh\necho never\n', 0o644);
  for (const name of ['first', 'second', 'denied']) mkdirSync(join(dir, name));
  file('first/found', '#!/bin/sh\necho "first $1"\n', 0o755);
  file('second/found', '#!/bin/sh\necho "second $1"\n', 0o755);
  file('denied/found', '#!/bin/sh\necho denied\n', 0o644);
}

export interface Seen {
  readonly events: string[];
  readonly pid: string;
  readonly output: Readonly<Record<string, string>>;
  readonly exitCode: number | null;
  readonly signalCode: string | null;
  readonly killed: boolean;
}

/** Everything that a child tells until it closes, or exits: Node closes no child whose channel it disconnected. */
export function watch(child: ChildProcess, end: 'close' | 'exit' = 'close'): Promise<Seen> {
  const events: string[] = [];
  const chunks: Record<string, string> = {};
  child.stdio.forEach((stream, i) => {
    if (!stream || !('setEncoding' in stream) || i === 0) return;
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => (chunks[i] = (chunks[i] ?? '') + chunk));
  });
  child.on('spawn', () => events.push('spawn'));
  child.on('error', (error) => events.push(`error ${describeError(error)}`));
  for (const event of ['exit', 'close']) child.on(event, (code, signal) => events.push(`${event} ${code} ${signal}`));
  return new Promise((resolve) => {
    child.on(end, () => {
      const { exitCode, signalCode, killed } = child;
      resolve({ events, pid: typeof child.pid, output: chunks, exitCode, signalCode, killed });
    });
  });
}

/** All that a program can tell errors apart by. */
export function describeError(error: unknown): string {
  const { name, message, code, errno, syscall, path, spawnargs, killed, signal, cmd } = error as Record<
    string,
    unknown
  >;
  const all = { name, message, code, errno, syscall, path, spawnargs, killed, signal, cmd };
  return JSON.stringify(all, (_, value) => (typeof value === 'string' && value.length > 999 ? value.length : value));
}

/** What is thrown, or what is returned. */
export function attempt<T>(call: () => T): T | string {
  try {
    return call();
  } catch (error) {
    return `threw ${describeError(error)}`;
  }
}
