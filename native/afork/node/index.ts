/**
 * child_process without the wait: its own functions, with afork beneath them for one call. Nothing is patched;
 * `register()` and `afork/register` do that.
 */

import childProcess from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { getSystemErrorName, promisify } from 'node:util';
import type { Mode, Wait } from './children.ts';
import { hooked } from './hook.ts';
import type { Counts } from './native.ts';
import type { Reason } from './request.ts';
import { type Methods, handleOf, install } from './shape.ts';
import { getThread } from './thread.ts';

export type { Mode, Wait } from './children.ts';
export type { Reason } from './request.ts';
export { register } from './hook.ts';

type ChildProcess = typeof childProcess;

export interface Spawners {
  readonly spawn: ChildProcess['spawn'];
  readonly exec: ChildProcess['exec'];
  readonly execFile: ChildProcess['execFile'];
  readonly fork: ChildProcess['fork'];
}

/** The four functions with settings of your choice; imported from here they are `strict` and `auto`. */
export function withMode(mode: Mode, wait: Wait = 'auto'): Spawners {
  let methods: Methods | undefined;
  const getMethods = (): Methods | undefined => (methods ??= getThread()?.methods(() => ({ mode, wait })));
  return {
    spawn: aforked('spawn', getMethods),
    exec: aforked('exec', getMethods),
    execFile: aforked('execFile', getMethods),
    fork: aforked('fork', getMethods),
  };
}

export const { spawn, exec, execFile, fork } = withMode('strict');

/**
 * Resolves once the child runs its program. Rejects if it never will: with the system error, as its 'error' event has it.
 * For a child that afork did not start, that is known when its spawn returns.
 */
export async function started(child: childProcess.ChildProcess): Promise<void> {
  const thread = getThread();
  const handle = handleOf(child);
  const error = await new Promise<number>((resolve) => {
    if (thread && handle) thread.onceStarted(handle, resolve);
    else resolve(0);
  });
  const failure = error < 0 ? error : Math.min(child.exitCode ?? 0, 0);
  if (failure < 0 || child.pid === undefined) throw toSystemError(failure, child);
}

function toSystemError(errno: number, { spawnfile, spawnargs }: childProcess.ChildProcess): NodeJS.ErrnoException {
  const code = errno < 0 ? getSystemErrorName(errno) : 'UNKNOWN';
  const syscall = `spawn ${spawnfile}`;
  return Object.assign(new Error(`${syscall} ${code}`), { errno, code, syscall, path: spawnfile, spawnargs });
}

export interface Stats extends Counts {
  /** Which of Node's functions are hooked in this thread, and in which mode. */
  readonly hooked: ReturnType<typeof hooked>;
  /** Spawns that went to Node's own implementation, by reason. */
  readonly fallbacks: Readonly<Partial<Record<Reason, number>>>;
}

/** What this thread has counted since it began. */
export function stats(): Stats {
  const thread = getThread();
  const none = { mechanisms: {}, spawns: 0, syncSpawns: 0, waits: 0, unsettled: 0, looks: 0 };
  return { ...(thread?.native.counts() ?? none), hooked: hooked(), fallbacks: { ...thread?.fallbacks } };
}

function aforked<Name extends keyof Spawners>(name: Name, getMethods: () => Methods | undefined): Spawners[Name] {
  type Call = ((...args: unknown[]) => unknown) & { readonly [promisify.custom]?: Call };
  const original = (): Call => childProcess[name] as unknown as Call;
  const call = (...args: unknown[]): unknown => adopting(getMethods(), () => original()(...args));
  Object.defineProperty(call, 'name', { value: name });
  if (original()[promisify.custom]) {
    const promised = (...args: unknown[]): unknown =>
      adopting(getMethods(), () => original()[promisify.custom]?.(...args));
    Object.defineProperty(call, promisify.custom, { value: promised });
  }
  return call as unknown as Spawners[Name];
}

/** Node publishes each ChildProcess on this channel between its making and its spawn, all within the one call. */
function adopting<T>(methods: Methods | undefined, call: () => T): T {
  const adopt = (message: unknown): void => {
    unsubscribe('child_process', adopt);
    const handle = handleOf((message as { process: object }).process);
    if (methods && handle) install(methods, handle);
  };
  if (methods) subscribe('child_process', adopt);
  try {
    return call();
  } finally {
    unsubscribe('child_process', adopt);
  }
}
