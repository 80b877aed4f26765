/**
 * child_process without the wait: its own functions, with afork beneath them for one call. Nothing is patched;
 * `register()` and `afork/register` do that.
 */

import childProcess from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { promisify } from 'node:util';
import type { Mode } from './children.ts';
import { hooked } from './hook.ts';
import type { Counts } from './native.ts';
import type { Reason } from './request.ts';
import { type Methods, handleOf, install } from './shape.ts';
import { getThread } from './thread.ts';

export type { Mode } from './children.ts';
export type { Reason } from './request.ts';
export { register } from './hook.ts';

type ChildProcess = typeof childProcess;

export interface Spawners {
  readonly spawn: ChildProcess['spawn'];
  readonly exec: ChildProcess['exec'];
  readonly execFile: ChildProcess['execFile'];
  readonly fork: ChildProcess['fork'];
}

/** The four functions in a mode of your choice; imported from here they are strict. */
export function withMode(mode: Mode): Spawners {
  let methods: Methods | undefined;
  const getMethods = (): Methods | undefined => (methods ??= getThread()?.methods(() => mode));
  return {
    spawn: aforked('spawn', getMethods),
    exec: aforked('exec', getMethods),
    execFile: aforked('execFile', getMethods),
    fork: aforked('fork', getMethods),
  };
}

export const { spawn, exec, execFile, fork } = withMode('strict');

export interface Stats extends Counts {
  /** Which of Node's functions are hooked in this thread, and in which mode. */
  readonly hooked: ReturnType<typeof hooked>;
  /** Spawns that went to Node's own implementation, by reason. */
  readonly fallbacks: Readonly<Partial<Record<Reason, number>>>;
}

/** What this thread has counted since it began. */
export function stats(): Stats {
  const thread = getThread();
  const none = { mechanisms: {}, spawns: 0, syncSpawns: 0, waits: 0 };
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
