/** Reads what a running process was started with: proc(5). */
import { readFileSync, readlinkSync } from 'node:fs';
import { ForktaxError } from '../../model/errors.ts';
import { openFileLimits, readStat, readStrings, type Pid } from '../../system/proc.ts';

export interface RunningProcess {
  readonly pid: number;
  readonly comm: string;
  /** Tells the process from a later one with the same pid; see ProcessStat. */
  readonly startTime: string;
  readonly isKernelThread: boolean;
  readonly argv: readonly Buffer[];
  /** Each entry is `NAME=value`. */
  readonly environment: readonly Buffer[];
  readonly directory: string;
  readonly executable: string;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** A mask as umask(2) takes it. */
  readonly umask: number;
  /** The soft limit of open files. */
  readonly openFiles: number | undefined;
  /** Resident memory that belongs to no file: most of what a fork copies. */
  readonly anonymousBytes: number;
  /** Its path in the unified hierarchy, or in systemd's own. */
  readonly cgroup: string;
  /** Each is `name:[inode]`. */
  readonly namespaces: readonly string[];
  /** The root directory. */
  readonly root: string;
  /** Effective capabilities, no_new_privs and seccomp mode, in the words of /proc/PID/status. */
  readonly confinement: string;
}

/** @throws FORKTAX_PROCESS: the process does not exist, or this user may not inspect it */
export function readProcess(pid: Pid): RunningProcess {
  const directory = `/proc/${pid}`;
  const read = (name: string): string => readFileSync(`${directory}/${name}`, 'utf8');
  const link = (name: string): string => readlinkSync(`${directory}/${name}`);
  try {
    const status = fieldsOf(read('status'));
    const { isKernelThread, startTime } = readStat(pid);
    return {
      pid: pid === 'self' ? process.pid : pid,
      comm: status('Name'),
      startTime,
      isKernelThread,
      argv: readStrings(`${directory}/cmdline`),
      environment: isKernelThread ? [] : readStrings(`${directory}/environ`),
      directory: link('cwd'),
      executable: isKernelThread ? '' : link('exe').replace(/ \(deleted\)$/, ''),
      uid: numbers(status('Uid'))[0] ?? 0,
      gid: numbers(status('Gid'))[0] ?? 0,
      groups: numbers(status('Groups')),
      umask: Number.parseInt(status('Umask'), 8),
      openFiles: openFileLimits(pid)?.soft,
      anonymousBytes: (numbers(status('RssAnon'))[0] ?? 0) * 1024,
      cgroup: cgroupOf(read('cgroup')),
      namespaces: ['mnt', 'pid', 'net', 'user', 'ipc', 'uts'].map((name) => link(`ns/${name}`)),
      root: link('root'),
      confinement: ['CapEff', 'NoNewPrivs', 'Seccomp'].map((name) => `${name} ${status(name)}`).join(', '),
    };
  } catch (error) {
    throw explained(pid, error as NodeJS.ErrnoException);
  }
}

function explained(pid: Pid, error: NodeJS.ErrnoException): unknown {
  const said = (text: string): ForktaxError => new ForktaxError('FORKTAX_PROCESS', text, { cause: error });
  if (error.code === 'ENOENT' || error.code === 'ESRCH') return said(`there is no process ${pid}`);
  if (error.code === 'EACCES' || error.code === 'EPERM') return said(`this user may not inspect process ${pid}`);
  return error;
}

function fieldsOf(status: string): (name: string) => string {
  const fields = new Map(status.split('\n').map((line) => line.split(/:\s*/, 2) as [string, string]));
  return (name) => fields.get(name) ?? '';
}

function numbers(text: string): number[] {
  return text
    .split(/\s+/)
    .filter((word) => /^\d+$/.test(word))
    .map(Number);
}

function cgroupOf(text: string): string {
  const lines = text.split('\n').map((line) => /^(\d+):([^:]*):(.*)$/.exec(line));
  const unified = lines.find((line) => line?.[1] === '0' && line[3] !== '/');
  const named = lines.find((line) => line?.[2] === 'name=systemd');
  return (unified ?? named)?.[3] ?? '/';
}
