/**
 * The six methods of Node's process handle, for children that afork started. They keep every promise of the originals;
 * all else is Node's own JavaScript.
 */

import { AsyncResource } from 'node:async_hooks';
import { constants } from 'node:os';
import { FD_PIPE, type Native, STRICT } from './native.ts';
import { type Reason, type Request, toProgram } from './request.ts';
import type { Handle, Methods, Shape } from './shape.ts';

export const MODES = ['strict', 'async'] as const;
/**
 * `strict` looks at directory and program before it spawns, so that a missing one is an error at once, as Node's is.
 * `async` does not even look, for that may block too (a network file system): such an error comes after the pid.
 */
export type Mode = (typeof MODES)[number];

interface Child {
  readonly handle: Handle;
  readonly pid: number;
  /** The context of the spawn: AsyncLocalStorage and domains go on in its 'exit'. */
  readonly context: AsyncResource;
  referenced: boolean;
}

export interface Thread {
  readonly shape: Shape;
  readonly native: Native;
  readonly fallbacks: Partial<Record<Reason, number>>;
  /** The methods in the given mode; what they cannot do they hand to `shape.original`. */
  readonly methods: (mode: () => Mode) => Methods;
}

const ESRCH = -3;
/** Aliases come later in os.constants.signals than their names: SIGIOT, SIGPOLL, SIGUNUSED. */
const SIGNAL_NAMES = new Map<number, string>(
  Object.entries(constants.signals)
    .map(([name, number]) => [number, name] as const)
    .toReversed(),
);

export const signalName = (signal: number): string => SIGNAL_NAMES.get(signal) ?? '';

/** What this thread's children need. The addon must be this thread's own. */
export function prepareThread(shape: Shape, native: Native): Thread {
  const { original } = shape;
  const fallbacks: Thread['fallbacks'] = {};
  const byPid = new Map<number, Child>();
  /** Every handle that spawned, or tried to, through the addon. */
  const byHandle = new WeakMap<Handle, Child | undefined>();
  let references = 0;

  const setReferenced = (child: Child, referenced: boolean): void => {
    if (child.referenced === referenced) return;
    child.referenced = referenced;
    references += referenced ? 1 : -1;
    if (references === (referenced ? 1 : 0)) native.hold(referenced);
  };
  /** The child has exited, or nobody wants to know any more (the addon reaps it all the same). */
  const forget = (child: Child): void => {
    setReferenced(child, false);
    byPid.delete(child.pid);
  };
  /** Still to exit, as far as JavaScript has been told. */
  const living = (handle: Handle): Child | undefined => {
    const child = byHandle.get(handle);
    return child && byPid.get(child.pid) === child ? child : undefined;
  };
  const started = (handle: Handle, pid: number): Child => {
    const child = { handle, pid, context: new AsyncResource('AFORK'), referenced: false };
    byPid.set(pid, child);
    setReferenced(child, true);
    handle.pid = pid;
    return child;
  };

  native.onExit((pid, status, signal) => {
    const child = byPid.get(pid);
    if (!child) return;
    forget(child);
    child.context.runInAsyncScope(() => child.handle.onexit?.(status, signalName(signal)));
  });

  const methods = (mode: () => Mode): Methods => ({
    spawn(...args) {
      const request = shape.read(args);
      const program = byHandle.has(this)
        ? 'reused'
        : isForbidden()
          ? 'permission'
          : toProgram(request, mode() === 'strict' ? STRICT : 0);
      if (typeof program === 'string') {
        fallbacks[program] = (fallbacks[program] ?? 0) + 1;
        return original.spawn.apply(this, args);
      }
      const result = native.spawn(program);
      openPipes(request, program.fds);
      byHandle.set(this, result < 0 ? undefined : started(this, result));
      return Math.min(result, 0);
    },
    kill(signal) {
      const child = byHandle.get(this);
      if (!child) return original.kill.call(this, signal);
      return living(this) ? native.kill(child.pid, signal) : ESRCH;
    },
    ref() {
      const child = living(this);
      if (child) setReferenced(child, true);
      else original.ref.call(this);
    },
    unref() {
      const child = living(this);
      if (child) setReferenced(child, false);
      else original.unref.call(this);
    },
    hasRef() {
      return living(this)?.referenced ?? original.hasRef.call(this);
    },
    close(callback) {
      const child = living(this);
      if (child) forget(child);
      if (!byHandle.has(this)) return original.close.call(this, callback);
      // A handle that never spawned cannot be closed, and one that is not closed is never freed.
      return native.closeUnspawned(() => {
        original.spawn.apply(this, [...shape.noProcess]);
        original.close.call(this, callback);
      });
    },
  });
  return { shape, native, fallbacks, methods };
}

/** As libuv does, also after an exec that failed: Node's JavaScript counts on open streams. */
function openPipes(request: Request, fds: Int32Array): void {
  const stdio = request.stdio as readonly { type: string; handle?: { open(fd: number): number } }[];
  stdio.forEach(({ type, handle }, i) => {
    const fd = fds[i] ?? FD_PIPE;
    if ((type === 'pipe' || type === 'overlapped') && fd >= 0) handle?.open(fd);
  });
}

function isForbidden(): boolean {
  const { permission } = process as Partial<NodeJS.Process>;
  return permission !== undefined && !permission.has('child');
}
