/** Decides whether a process may be replaced. */
import { basename } from 'node:path';
import { tryReadStat } from '../../system/proc.ts';
import { readProcess, type RunningProcess } from './running-process.ts';

/** Says why the process must not be ended, or could not start again as it was; undefined if it may be replaced. */
export function whyNotReplaceable(
  target: RunningProcess,
  own: RunningProcess = readProcess('self'),
): string | undefined {
  if (target.pid === 1) return 'process 1 runs the whole system';
  if (target.isKernelThread) return 'it is a kernel thread';
  if (ancestors().includes(target.pid)) return 'this command runs in it';
  if (own.uid !== 0 && target.uid !== own.uid) return 'it belongs to another user';
  if (target.namespaces.join() !== own.namespaces.join()) return 'it runs in a container: run forktax there';
  if (target.root !== own.root) return `its root directory is ${target.root}`;
  if (isConfined(target, own)) return `it is confined (${target.confinement}), and its successor would not be`;
  if (isRewritten(target)) return 'it has overwritten its command line';
  return undefined;
}

function isConfined(target: RunningProcess, own: RunningProcess): boolean {
  const expected =
    target.uid === own.uid ? own.confinement : own.confinement.replace(/CapEff \w+/, 'CapEff 0000000000000000');
  return target.confinement !== expected;
}

/** Whether a process has overwritten its command line. nginx and PostgreSQL do that, among others: setproctitle(3bsd). */
export function isRewritten({ argv, executable, comm }: RunningProcess): boolean {
  const name = basename(String(argv[0] ?? '')).replace(/^-/, '');
  const known = [basename(executable), comm];
  return argv.length === 0 || /\s/.test(name) || !known.some((each) => each.startsWith(name) || name.startsWith(each));
}

function ancestors(): number[] {
  const pids: number[] = [process.pid];
  for (let pid = process.ppid; pid > 0; pid = tryReadStat(pid)?.parentPid ?? 0) pids.push(pid);
  return pids;
}
