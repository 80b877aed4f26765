/** Starts bpftrace so that it does not outlive this process, however that ends. */

import { type ChildProcess, spawn } from 'node:child_process';
import { BpftraceError } from './errors.ts';
import type { Readable, Writable } from 'node:stream';

/**
 * The shell leaves a watcher behind and becomes bpftrace. The watcher waits on a pipe from this process. A line means
 * that all is well and it may go; the end of the pipe, that this process is gone: by SIGKILL, say.
 *
 * PR_SET_PDEATHSIG would be less, but it comes too late for a parent that dies first, belongs to the thread that made
 * the child and not to the process, and is lost where bpftrace has capabilities of its own (prctl(2)).
 */
const SHELL = '/bin/sh';
const GUARDED = `
(read -r line <&3 || kill -KILL $$) </dev/null >/dev/null 2>&1 &
exec "$0" "$@" 3<&-
`;

export interface Guarded {
  readonly pid: number;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when it is gone; its output may still wait in the pipes. */
  readonly exited: Promise<Exit>;
  kill(signal: NodeJS.Signals): void;
}

export interface Exit {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** In a session of its own, so that a terminal's Ctrl-C reaches only this process. */
export async function startGuarded(
  path: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  input: string,
): Promise<Guarded> {
  const child = spawn(SHELL, ['-c', GUARDED, path, ...args], {
    env,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  const exited = new Promise<Exit>((resolve) =>
    child.once('exit', (exitCode, signal) => {
      (child.stdio[3] as Writable).end('\n');
      resolve({ exitCode, signal });
    }),
  );
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) =>
      reject(new BpftraceError('BPFTRACE_NOT_FOUND', `${SHELL}: ${cause.message}`, { cause })),
    );
  });
  feed(child, input);
  return {
    pid: child.pid ?? 0,
    stdout: child.stdout,
    stderr: child.stderr,
    exited,
    kill: (signal) => void child.kill(signal),
  };
}

/** A bpftrace that ends before it has read its script is told by its exit, not by EPIPE. */
function feed(child: ChildProcess, input: string): void {
  for (const stream of [child.stdin, child.stdio[3] as Writable]) stream?.on('error', () => undefined);
  child.stdin?.end(input);
}
