/** The process that a user names by its pid. In a pid namespace of its own forktax sees other pids, and checks nothing. */
import { ForktaxError } from '../model/errors.ts';
import { tryReadText } from './files.ts';
import { isInInitialPidNamespace } from './pid-namespace.ts';
import { tryReadStat } from './proc.ts';

const LOOK_EVERY_MS = 250;
/** For what the last children of a process do after it has ended. */
const GRACE_MS = 1000;

/** @throws FORKTAX_NO_PROCESS: no process has this pid */
export function requireProcess(pid: number): void {
  if (isInInitialPidNamespace() !== true) return;
  const [, leader] = /^Tgid:\s*(\d+)$/m.exec(tryReadText(`/proc/${pid}/status`)) ?? [];
  if (leader === undefined) throw new ForktaxError('FORKTAX_NO_PROCESS', `there is no process ${pid}`);
  if (Number(leader) !== pid)
    throw new ForktaxError('FORKTAX_NO_PROCESS', `${pid} is a thread, not a process; its process is ${leader}`);
  if (hasEnded(pid)) throw new ForktaxError('FORKTAX_NO_PROCESS', `process ${pid} has ended`);
}

/** Gives a signal that is aborted one second after the process has ended. It does not keep this process alive. */
export function endOfProcess(pid: number): AbortSignal {
  const controller = new AbortController();
  if (isInInitialPidNamespace() !== true) return controller.signal;
  const startTime = tryReadStat(pid)?.startTime;
  const timer = setInterval(() => {
    if (!hasEnded(pid) && tryReadStat(pid)?.startTime === startTime) return;
    clearInterval(timer);
    setTimeout(() => controller.abort(), GRACE_MS).unref();
  }, LOOK_EVERY_MS).unref();
  return controller.signal;
}

/** A zombie has ended too. */
function hasEnded(pid: number): boolean {
  return 'ZX'.includes(tryReadStat(pid)?.state ?? 'X');
}
