/** What Node asks of its process handle, turned into what the addon takes; or the reason why the addon cannot. */

import { DETACHED, FD_IGNORE, FD_PIPE, type Program } from './native.ts';

/** Why a spawn went to Node's own implementation. */
export type Reason =
  /** `uid` or `gid`: a child of another identity must not share this process's memory, so nothing is gained. */
  | 'identity'
  /** Descriptors of a kind that is not known here. */
  | 'stdio'
  /** Arguments of types that Node refuses, or may come to understand. */
  | 'arguments'
  /** The permission model forbids child processes: Node has the words for that. */
  | 'permission'
  /** A second spawn on the same handle. */
  | 'reused'
  /** No addon, no pidfds, or a Node whose shape is not known. */
  | 'unavailable';

/** Everything as Node gave it, so unknown. */
export interface Request {
  readonly file: unknown;
  readonly args: unknown;
  readonly environment: unknown;
  readonly cwd: unknown;
  readonly stdio: unknown;
  readonly detached: unknown;
  readonly uid: unknown;
  readonly gid: unknown;
}

interface StdioEntry {
  readonly type?: unknown;
  readonly fd?: unknown;
  readonly handle?: { readonly fd?: unknown };
  readonly wrapType?: unknown;
}

export function toProgram(request: Request, flags: number): Program | Reason {
  const { file, cwd, environment } = request;
  if (isSet(request.uid) || isSet(request.gid)) return 'identity';
  if (typeof file !== 'string' || file === '' || !Array.isArray(request.args)) return 'arguments';
  if (isSet(environment) && !Array.isArray(environment)) return 'arguments';
  if (isSet(cwd) && typeof cwd !== 'string') return 'arguments';
  const fds = toFds(request.stdio);
  if (!fds) return 'stdio';
  return {
    file,
    args: toStrings(request.args),
    environment: isSet(environment) ? toStrings(environment) : undefined,
    cwd: isSet(cwd) ? cwd : '',
    fds,
    flags: flags | (request.detached ? DETACHED : 0),
  };
}

function toFds(stdio: unknown): Int32Array | undefined {
  if (!Array.isArray(stdio)) return undefined;
  const fds = new Int32Array(stdio.length);
  for (let i = 0; i < stdio.length; i++) {
    const fd = toFd(stdio[i]);
    if (fd === undefined) return undefined;
    fds[i] = fd;
  }
  return fds;
}

function toFd(entry: StdioEntry | undefined): number | undefined {
  switch (entry?.type) {
    case 'ignore':
      return FD_IGNORE;
    case 'pipe':
    case 'overlapped': // Means something on Windows only.
      return FD_PIPE;
    case 'fd':
    case 'inherit':
      return isFd(entry.fd) ? entry.fd : undefined;
    case 'wrap':
      return entry.wrapType !== 'udp' && isFd(entry.handle?.fd) ? entry.handle.fd : undefined;
    default:
      return undefined;
  }
}

/** As Node does it: `spawn('sleep', [1])` works. */
function toStrings(values: readonly unknown[]): readonly string[] {
  return values.every((value) => typeof value === 'string') ? values : values.map(String);
}

function isFd(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0x7fffffff;
}

function isSet<T>(value: T): value is NonNullable<T> {
  return value !== undefined && value !== null;
}
