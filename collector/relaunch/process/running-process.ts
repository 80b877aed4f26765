/** What a running process was started with: proc(5). */
import { readFileSync, readlinkSync } from 'node:fs';
import { ForktaxError } from '../../model/errors.ts';
import { openFilesOf, readStrings } from '../../system/inherited.ts';

export interface RunningProcess {
  readonly pid: number;
  readonly comm: string;
  /** Since boot; tells it from a later process of the same pid. */
  readonly startTime: string;
  readonly isKernelThread: boolean;
  readonly argv: readonly Buffer[];
  /** `NAME=value` each. */
  readonly environment: readonly Buffer[];
  readonly directory: string;
  readonly executable: string;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** As in umask(2). */
  readonly umask: number;
  readonly openFiles: number | undefined;
  /** Resident, and its own: what a fork copies, mostly. */
  readonly anonymousBytes: number;
  /** In the unified hierarchy, or in systemd's own. */
  readonly cgroup: string;
  /** `name:[inode]` each. */
  readonly namespaces: readonly string[];
  readonly root: string;
  /** Effective capabilities, no_new_privs and seccomp mode, as /proc/PID/status has them. */
  readonly confinement: string;
}

/** @throws FORKTAX_PROCESS: it does not exist, or may not be looked into */
export function readProcess(pid: number | 'self'): RunningProcess {
  const directory = `/proc/${pid}`;
  const read = (name: string): string => readFileSync(`${directory}/${name}`, 'utf8');
  const link = (name: string): string => readlinkSync(`${directory}/${name}`);
  try {
    const status = fieldsOf(read('status'));
    const stat = statOf(read('stat'));
    const isKernelThread = (stat.flags & PF_KTHREAD) !== 0;
    return {
      pid: pid === 'self' ? process.pid : pid,
      comm: status('Name'),
      ...stat,
      isKernelThread,
      argv: readStrings(`${directory}/cmdline`),
      environment: isKernelThread ? [] : readStrings(`${directory}/environ`),
      directory: link('cwd'),
      executable: isKernelThread ? '' : link('exe').replace(/ \(deleted\)$/, ''),
      uid: numbers(status('Uid'))[0] ?? 0,
      gid: numbers(status('Gid'))[0] ?? 0,
      groups: numbers(status('Groups')),
      umask: Number.parseInt(status('Umask'), 8),
      openFiles: openFilesOf(`${pid}`)?.soft,
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

function explained(pid: number | 'self', error: NodeJS.ErrnoException): unknown {
  const said = (text: string): ForktaxError => new ForktaxError('FORKTAX_PROCESS', text, { cause: error });
  if (error.code === 'ENOENT' || error.code === 'ESRCH') return said(`there is no process ${pid}`);
  if (error.code === 'EACCES' || error.code === 'EPERM')
    return said(`process ${pid} may not be looked into by this user`);
  return error;
}

/** include/linux/sched.h */
const PF_KTHREAD = 0x0020_0000;

function statOf(text: string): { flags: number; startTime: string } {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { flags: Number(fields[6]), startTime: fields[19] ?? '' };
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
