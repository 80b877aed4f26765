/** What this process was given, and Node does not hand on by itself: bytes, descriptors and limits. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface Inheritance {
  /** As bytes. */
  readonly argv: readonly Buffer[];
  /** `NAME=value` each, as it was when this process began. */
  readonly environment: readonly Buffer[];
  readonly descriptors: readonly number[];
  /** Soft limit of open files; undefined: the one that this process has. */
  readonly openFiles: number | undefined;
}

/** With so many arguments, the last of the command line. Must be asked for before this process opens anything. */
export function takeInheritance(argumentCount: number): Inheritance {
  return {
    argv: argumentCount === 0 ? [] : readStrings('/proc/self/cmdline').slice(-argumentCount),
    environment: readStrings('/proc/self/environ'),
    descriptors: inheritedDescriptors(),
    openFiles: givenOpenFiles(),
  };
}

/** Strings that each end in NUL, as in /proc/PID/cmdline and environ. */
export function readStrings(path: string): Buffer[] {
  const bytes = readFileSync(path);
  const strings: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(0, at);
    const stop = end === -1 ? bytes.length : end;
    strings.push(bytes.subarray(at, stop));
    at = stop + 1;
  }
  return strings;
}

/**
 * Node raises its soft limit of open files to the hard one, and its children keep that. The one it was given can only
 * be seen at its parent, which mostly gave it.
 */
function givenOpenFiles(): number | undefined {
  const own = openFilesOf('self');
  const parent = openFilesOf(`${process.ppid}`);
  if (!own || !parent || own.hard !== parent.hard || own.soft === parent.soft) return undefined;
  return parent.soft;
}

export function openFilesOf(pid: string): { soft: number; hard: number } | undefined {
  const line = /^Max open files\s+(\d+)\s+(\d+)/m.exec(tryRead(`/proc/${pid}/limits`));
  return line ? { soft: Number(line[1]), hard: Number(line[2]) } : undefined;
}

function tryRead(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

const CLOSE_ON_EXEC = 0o2000000;

/**
 * Descriptors above 2 that were inherited. Node marks the lowest of them close-on-exec when it begins
 * (uv_disable_stdio_inheritance), so they have to be told from its own: those are of kinds that nobody passes on, and
 * pipes of which it has both ends. So has a process under make, which names them in MAKEFLAGS.
 */
function inheritedDescriptors(): number[] {
  const descriptors = readdirSync('/proc/self/fd')
    .map((name) => ({ fd: Number(name), target: tryReadLink(`/proc/self/fd/${name}`) }))
    .filter(({ fd, target }) => fd > 2 && target !== '');
  const ends = Map.groupBy(descriptors, ({ target }) => target);
  const jobServer = jobServerOf(process.env['MAKEFLAGS'] ?? '');
  return descriptors
    .filter(({ fd, target }) => jobServer.includes(fd) || !isNodes(target, ends.get(target)?.length ?? 0))
    .filter(({ fd }) => isCloseOnExec(fd))
    .map(({ fd }) => fd);
}

function isNodes(target: string, count: number): boolean {
  return target.startsWith('anon_inode:') || target === '/dev/null' || (target.startsWith('pipe:') && count > 1);
}

/** `--jobserver-auth=3,4`; GNU make before 4.2 called it --jobserver-fds. */
function jobServerOf(makeFlags: string): number[] {
  const [, read, write] = /--jobserver-(?:auth|fds)=(\d+),(\d+)/.exec(makeFlags) ?? [];
  return read === undefined || write === undefined ? [] : [Number(read), Number(write)];
}

function isCloseOnExec(fd: number): boolean {
  const flags = /^flags:\s*(\d+)/m.exec(tryRead(`/proc/self/fdinfo/${fd}`))?.[1];
  return flags !== undefined && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) !== 0;
}

function tryReadLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
