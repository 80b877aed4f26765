/** Whether a process may be replaced, and its end. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ForktaxError } from '../../model/errors.ts';
import { readProcess, type RunningProcess } from './running-process.ts';

const PATIENCE_MS = 30_000;
const POLL_MS = 20;

/** Why it must not be ended, or could not be started again as it was; undefined: it may be replaced. */
export function whyNot(target: RunningProcess, own: RunningProcess = readProcess('self')): string | undefined {
  if (target.pid === 1) return 'process 1 is the whole system';
  if (target.isKernelThread) return 'it is a thread of the kernel';
  if (ancestors().includes(target.pid)) return 'this very command runs in it';
  if (own.uid !== 0 && target.uid !== own.uid) return "it is another user's";
  if (target.namespaces.join() !== own.namespaces.join()) return 'it runs in a container: relaunch it there';
  if (target.root !== own.root) return `its root directory is ${target.root}`;
  if (isConfined(target, own)) return `it is confined (${target.confinement}), and would not be again`;
  if (isRewritten(target)) return 'it has written over its command line';
  return undefined;
}

function isConfined(target: RunningProcess, own: RunningProcess): boolean {
  const expected =
    target.uid === own.uid ? own.confinement : own.confinement.replace(/CapEff \w+/, 'CapEff 0000000000000000');
  return target.confinement !== expected;
}

/** As setproctitle does: nginx, PostgreSQL. */
function isRewritten({ argv, executable, comm }: RunningProcess): boolean {
  const name = basename(String(argv[0] ?? '')).replace(/^-/, '');
  const known = [basename(executable), comm];
  return argv.length === 0 || /\s/.test(name) || !known.some((each) => each.startsWith(name) || name.startsWith(each));
}

function ancestors(): number[] {
  const pids: number[] = [process.pid];
  for (let pid = process.ppid; pid > 0; pid = parentOf(pid)) pids.push(pid);
  return pids;
}

function parentOf(pid: number): number {
  return Number(tryFields(pid)?.[1] ?? 0);
}

/** From the state on: proc(5), /proc/PID/stat, fields 3 and following. */
function tryFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/** @throws FORKTAX_PROCESS: it goes on */
export async function end(target: RunningProcess): Promise<void> {
  if (isGone(target)) throw new ForktaxError('FORKTAX_PROCESS', `process ${target.pid} has ended by itself`);
  process.kill(target.pid, 'SIGTERM');
  const deadline = performance.now() + PATIENCE_MS;
  while (!isGone(target)) {
    if (performance.now() > deadline) {
      const message = `process ${target.pid} has not ended within ${PATIENCE_MS / 1000}s of SIGTERM; nothing else was done`;
      throw new ForktaxError('FORKTAX_PROCESS', message);
    }
    await sleep(POLL_MS);
  }
}

/** A zombie holds nothing any more. */
function isGone({ pid, startTime }: RunningProcess): boolean {
  const fields = tryFields(pid);
  return !fields || fields[0] === 'Z' || fields[19] !== startTime;
}
