/** Starts bpftrace so that it does not outlive this process, however that ends. */

import { type ChildProcess, spawn } from 'node:child_process';
import { BpftraceError } from './errors.ts';
import type { Readable, Writable } from 'node:stream';

/**
 * The shell starts a watcher and becomes bpftrace. The watcher reads a pipe from this process. A line means that the watcher
 * can end. The end of the pipe means that this process is gone, for example by SIGKILL; the watcher then kills bpftrace.
 *
 * PR_SET_PDEATHSIG would be simpler, but prctl(2) has three hazards:
 *
 *  - It comes too late if the parent ends first.
 *  - It belongs to the thread that created the child, not to the process.
 *  - It is lost if bpftrace has file capabilities.
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
  /** Resolves when bpftrace is gone. Its output may still be in the pipes. */
  readonly exited: Promise<Exit>;
  kill(signal: NodeJS.Signals): void;
}

export interface Exit {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Starts bpftrace in its own session, so that Ctrl-C on a terminal reaches only this process. */
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

/** Writes the script. If bpftrace ends before it has read it, its exit is the error, not EPIPE. */
function feed(child: ChildProcess, input: string): void {
  for (const stream of [child.stdin, child.stdio[3] as Writable]) stream?.on('error', () => undefined);
  child.stdin?.end(input);
}
