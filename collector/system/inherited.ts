/** What this process inherited and Node does not pass on by itself: bytes, descriptors and limits. */
import { readdirSync, readlinkSync } from 'node:fs';
import { tryReadText } from './files.ts';
import { openFileLimits, readStrings } from './proc.ts';

export interface Inheritance {
  /** The last arguments of the command line, as bytes. */
  readonly argv: readonly Buffer[];
  /** The variables that this process started with, each as `NAME=value`. */
  readonly environment: readonly Buffer[];
  /** Inherited descriptors above 2. */
  readonly descriptors: readonly number[];
  /** The soft limit of open files that this process was given; undefined if that is the limit that it has now. */
  readonly openFiles: number | undefined;
}

/** Call this before the process opens anything: descriptors that it opens look inherited. */
export function takeInheritance(argumentCount: number): Inheritance {
  return {
    argv: argumentCount === 0 ? [] : readStrings('/proc/self/cmdline').slice(-argumentCount),
    environment: readStrings('/proc/self/environ'),
    descriptors: inheritedDescriptors(),
    openFiles: givenOpenFiles(),
  };
}

/**
 * Node raises its soft limit of open files to the hard limit, and its children inherit that. The original limit is
 * visible only at the parent, which usually passed its own on.
 */
function givenOpenFiles(): number | undefined {
  const own = openFileLimits('self');
  const parent = openFileLimits(process.ppid);
  if (!own || !parent || own.hard !== parent.hard || own.soft === parent.soft) return undefined;
  return parent.soft;
}

/** O_CLOEXEC of fcntl.h, on x86-64 and on arm64. */
const CLOSE_ON_EXEC = 0o2000000;

/**
 * At its start Node marks the lowest inherited descriptors close-on-exec (uv_disable_stdio_inheritance), as it marks its
 * own. Only their kind tells them apart. Node's own are anonymous inodes, /dev/null, and pipes of which it holds both
 * ends. A process that make started may have inherited both ends of a pipe; MAKEFLAGS names them.
 */
function inheritedDescriptors(): number[] {
  const descriptors = readdirSync('/proc/self/fd')
    .map((name) => ({ fd: Number(name), target: tryReadLink(`/proc/self/fd/${name}`) }))
    .filter(({ fd, target }) => fd > 2 && target !== '');
  const ends = Map.groupBy(descriptors, ({ target }) => target);
  const jobServer = jobServerDescriptors(process.env['MAKEFLAGS'] ?? '');
  return descriptors
    .filter(({ fd, target }) => jobServer.includes(fd) || !isNodesOwn(target, ends.get(target)?.length ?? 0))
    .filter(({ fd }) => isCloseOnExec(fd))
    .map(({ fd }) => fd);
}

function isNodesOwn(target: string, endsHeld: number): boolean {
  return target.startsWith('anon_inode:') || target === '/dev/null' || (target.startsWith('pipe:') && endsHeld > 1);
}

/** The option is `--jobserver-auth=3,4`; GNU make before 4.2 called it `--jobserver-fds`. */
function jobServerDescriptors(makeFlags: string): number[] {
  const [, read, write] = /--jobserver-(?:auth|fds)=(\d+),(\d+)/.exec(makeFlags) ?? [];
  return read === undefined || write === undefined ? [] : [Number(read), Number(write)];
}

function isCloseOnExec(fd: number): boolean {
  const flags = /^flags:\s*(\d+)/m.exec(tryReadText(`/proc/self/fdinfo/${fd}`))?.[1];
  return flags !== undefined && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) !== 0;
}

function tryReadLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
