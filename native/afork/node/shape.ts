/**
 * Node's process handle is no public interface, and it changes: up to Node 22 its spawn() takes one object of options,
 * Node 24 passes eight arguments. So nothing is assumed: a call is provoked that starts no process, and what arrives is
 * compared with what was sent.
 */

import childProcess from 'node:child_process';
import type { EventEmitter } from 'node:events';
import type { Request } from './request.ts';

export interface Handle {
  pid?: number;
  onexit?: (status: number, signal: string) => void;
}

/** Node's own, to be called with the handle as `this`. */
export interface Methods {
  spawn: (this: Handle, ...args: unknown[]) => number;
  kill: (this: Handle, signal: number) => number;
  ref: (this: Handle) => void;
  unref: (this: Handle) => void;
  hasRef: (this: Handle) => boolean;
  close: (this: Handle, callback?: () => void) => void;
}

const METHOD_NAMES = ['spawn', 'kill', 'ref', 'unref', 'hasRef', 'close'] as const;

export interface Shape {
  readonly prototype: Methods;
  /** Bound to no handle: the methods before anything was replaced. */
  readonly original: Methods;
  /** What Node asks for, out of the arguments of one call. */
  readonly read: (args: readonly unknown[]) => Request;
  /** The ChildProcess of a handle; undefined if this Node does not say. */
  readonly ownerOf: (handle: Handle) => EventEmitter | undefined;
  /** Arguments with which the original makes a handle that can be closed, and no process. */
  readonly noProcess: readonly unknown[];
}

interface Options {
  file?: unknown;
  args?: unknown;
  envPairs?: unknown;
  cwd?: unknown;
  stdio?: unknown;
  detached?: unknown;
  uid?: unknown;
  gid?: unknown;
}

const EINVAL = -22;
const SENT = { file: 'file', args: ['argument'], envPairs: ['NAME=value'], cwd: '/', uid: 1, gid: 2, detached: true };
/** Refused by libuv before it forks: a descriptor of -1. */
const NO_FD = [{ type: 'fd', fd: -1 }];
const NO_PROCESS_ARGUMENTS = ['x', [], undefined, undefined, NO_FD, 0, undefined, undefined];

/** Undefined: this Node is not understood. */
export function recogniseShape(): Shape | undefined {
  const prototype = processPrototype();
  if (!prototype) return undefined;
  const received = provokeSpawn();
  const original = Object.fromEntries(METHOD_NAMES.map((name) => [name, prototype[name]])) as unknown as Methods;
  const common = { prototype, original, ownerOf: ownerReader() };
  const shape: Shape =
    received.length === 1
      ? { ...common, read: readOptions, noProcess: [{ file: 'x', args: [], stdio: NO_FD }] }
      : { ...common, read: positionalReader(Number(received[5])), noProcess: NO_PROCESS_ARGUMENTS };
  return isRead(shape.read(received)) ? shape : undefined;
}

/** Node's own handle beneath a child; undefined in a Node that has no such thing. */
export function handleOf(child: object): Handle | undefined {
  return Reflect.get(child, '_handle') as Handle | undefined;
}

/** Puts the methods on a handle, or on the prototype of them all. */
export function install(methods: Methods, target: object): void {
  for (const name of METHOD_NAMES) {
    Object.defineProperty(target, name, { value: methods[name], writable: true, configurable: true });
  }
}

function processPrototype(): Methods | undefined {
  const handle = handleOf(new childProcess.ChildProcess());
  const prototype = handle && (Object.getPrototypeOf(handle) as Methods);
  const known =
    handle?.constructor.name === 'Process' && METHOD_NAMES.every((name) => typeof prototype?.[name] === 'function');
  return known ? prototype : undefined;
}

/** Node keeps the owner of a handle under a symbol. */
function ownerReader(): Shape['ownerOf'] {
  const child = new childProcess.ChildProcess();
  const handle = handleOf(child) ?? {};
  const symbol = Object.getOwnPropertySymbols(handle).find((key) => Reflect.get(handle, key) === child);
  return (of) => (symbol === undefined ? undefined : (Reflect.get(of, symbol) as EventEmitter | undefined));
}

/** What Node's JavaScript passes to the handle. */
function provokeSpawn(): readonly unknown[] {
  const child = new childProcess.ChildProcess() as childProcess.ChildProcess & { spawn: (options: object) => number };
  let received: readonly unknown[] = [];
  const refuse = (...args: unknown[]): number => {
    received = args;
    return EINVAL;
  };
  Object.assign(handleOf(child) ?? {}, { spawn: refuse });
  child.on('error', () => {});
  try {
    child.spawn({ ...SENT, stdio: ['ignore', 'inherit', 2] });
  } catch {
    // That is the EINVAL.
  }
  return received;
}

function readOptions(args: readonly unknown[]): Request {
  const options = (args[0] ?? {}) as Options;
  const { file, cwd, stdio, detached, uid, gid } = options;
  return { file, args: options.args, environment: options.envPairs, cwd, stdio, detached, uid, gid };
}

function positionalReader(detachedBit: number): Shape['read'] {
  return ([file, args, cwd, environment, stdio, flags, uid, gid]) => {
    return { file, args, environment, cwd, stdio, detached: Number(flags) & detachedBit, uid, gid };
  };
}

function isRead(request: Request): boolean {
  return (
    request.file === SENT.file &&
    isSame(request.args, SENT.args) &&
    isSame(request.environment, SENT.envPairs) &&
    request.cwd === SENT.cwd &&
    request.uid === SENT.uid &&
    request.gid === SENT.gid &&
    Boolean(request.detached) &&
    isSame(request.stdio, [{ type: 'ignore' }, { type: 'inherit', fd: 1 }, { type: 'fd', fd: 2 }])
  );
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
