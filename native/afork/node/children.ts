/**
 * The six methods of Node's process handle, for children that afork started. They keep every promise of the originals;
 * all else is Node's own JavaScript.
 */

import { AsyncResource } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';
import { constants } from 'node:os';
import { FD_PIPE, type Native, NO_WAIT, STRICT, WAIT } from './native.ts';
import { type Reason, type Request, toProgram } from './request.ts';
import type { Handle, Methods, Shape } from './shape.ts';

export const MODES = ['strict', 'async'] as const;
/**
 * `strict` looks at directory and program before it spawns, so that a missing one is an error at once, as Node's is.
 * `async` does not even look, for that may block too (a network file system): such an error comes after the pid.
 */
export type Mode = (typeof MODES)[number];

export const WAITS = ['auto', 'exec', 'none'] as const;
/**
 * What a spawn waits for. `auto`: for the child to have its own descriptors, at most 5 ms. `exec`: for the
 * exec, as Node's own does. `none`: for nothing.
 */
export type Wait = (typeof WAITS)[number];

export interface Settings {
  readonly mode: Mode;
  readonly wait: Wait;
}

interface Child {
  readonly handle: Handle;
  readonly pid: number;
  /** The context of the spawn: AsyncLocalStorage and domains go on in its 'exit'. */
  readonly context: AsyncResource;
  referenced: boolean;
  /** To be called when it has executed, or with the negative errno of why it could not. */
  starting: ((error: number) => void)[];
}

export interface Thread {
  readonly shape: Shape;
  readonly native: Native;
  readonly fallbacks: Partial<Record<Reason, number>>;
  /** The methods with the given settings; what they cannot do they hand to `shape.original`. */
  readonly methods: (settings: () => Settings) => Methods;
  /** Calls back when the child of this handle has executed (0), or at once if afork did not start it. */
  readonly onceStarted: (handle: Handle, callback: (error: number) => void) => void;
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
    const child: Child = { handle, pid, context: new AsyncResource('AFORK'), referenced: false, starting: [] };
    byPid.set(pid, child);
    setReferenced(child, true);
    handle.pid = pid;
    process.nextTick(delaySpawnEvent, handle);
    return child;
  };
  const tellStarted = (child: Child, error: number): void => {
    const callbacks = child.starting.splice(0);
    if (callbacks.length > 0) child.context.runInAsyncScope(() => callbacks.forEach((callback) => callback(error)));
  };
  const onceStarted: Thread['onceStarted'] = (handle, callback) => {
    const child = living(handle);
    if (!child || native.hasStarted(child.pid)) callback(0);
    else child.starting.push(callback);
  };
  /** Node emits 'spawn' in the next tick. Here it has to wait for the exec, if anybody listens. */
  const delaySpawnEvent = (handle: Handle): void => {
    const owner = shape.ownerOf(handle);
    const child = living(handle);
    if (!owner || !child || owner.listenerCount('spawn') === 0 || native.hasStarted(child.pid)) return;
    child.starting.push(holdSpawnEvent(owner));
  };

  native.onStart((pid) => {
    const child = byPid.get(pid);
    if (child) tellStarted(child, 0);
  });
  native.onExit((pid, status, signal) => {
    const child = byPid.get(pid);
    if (!child) return;
    tellStarted(child, Math.min(status, 0));
    forget(child);
    child.context.runInAsyncScope(() => child.handle.onexit?.(status, signalName(signal)));
  });

  const methods = (settings: () => Settings): Methods => ({
    spawn(...args) {
      const request = shape.read(args);
      const program = byHandle.has(this)
        ? 'reused'
        : isForbidden()
          ? 'permission'
          : toProgram(request, toFlags(settings()));
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
      if (child) return living(this) ? native.kill(child.pid, signal) : ESRCH;
      // Node itself would signal the process 0 of a spawn that failed, which is its own process group.
      return Number(this.pid) > 0 ? original.kill.call(this, signal) : ESRCH;
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
  return { shape, native, fallbacks, methods, onceStarted };
}

function toFlags({ mode, wait }: Settings): number {
  return (mode === 'strict' ? STRICT : 0) | (wait === 'exec' ? WAIT : 0) | (wait === 'none' ? NO_WAIT : 0);
}

/** Keeps back one 'spawn' until the returned function is called: with 0 it is emitted then. */
function holdSpawnEvent(owner: EventEmitter): (error: number) => void {
  const before = Object.getOwnPropertyDescriptor(owner, 'emit');
  const emit: EventEmitter['emit'] = Reflect.get(owner, 'emit');
  let isHeld = false;
  const holding = function (this: EventEmitter, event: string | symbol, ...args: unknown[]): boolean {
    // An 'error' before the exec is that of an abort, and Node has it behind 'spawn'.
    if (event === 'error' && isHeld) release(0);
    if (event !== 'spawn') return Reflect.apply(emit, this, [event, ...args]);
    isHeld = true;
    return true;
  };
  const release = (error: number): void => {
    const wasHeld = isHeld;
    isHeld = false;
    if (Object.getOwnPropertyDescriptor(owner, 'emit')?.value === holding) {
      Reflect.deleteProperty(owner, 'emit');
      if (before) Object.defineProperty(owner, 'emit', before);
    }
    if (wasHeld && error === 0) Reflect.apply(emit, owner, ['spawn']);
  };
  Object.defineProperty(owner, 'emit', { value: holding, writable: true, configurable: true });
  return release;
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
