/** Ends a running process, so that it can be run again with afork. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ForktaxError } from '../../model/errors.ts';
import { tryReadStat } from '../../system/proc.ts';
import type { RequestedVia } from '../choose/choose.ts';
import { requestFor, type RunRequest } from '../run/request.ts';
import { refused, type InspectedProcess } from './inspect-process.ts';
import type { RunningProcess } from '../running/running-process.ts';

const MOST_WAIT_MS = 30_000;
const POLL_MS = 20;

/**
 * Ends the process, and gives the request that runs it again as it was.
 * @throws FORKTAX_PROCESS: it must not be replaced, or does not end
 */
export async function replaceProcess(
  { target, plan, refusal }: InspectedProcess,
  via: RequestedVia,
): Promise<RunRequest> {
  if (refusal !== undefined) throw refused(target, refusal);
  if (plan.changes.length === 0 && via === 'auto') throw refused(target, `via none: ${plan.choice.reason}`);
  await endProcess(target);
  const { uid, gid, groups } = target;
  const user = uid === process.getuid?.() ? undefined : { uid, gid, groups };
  return requestFor(plan, { ...target, user });
}

/**
 * Asks a process to end, and waits until it has.
 * @throws FORKTAX_PROCESS: it does not end
 */
async function endProcess(target: RunningProcess): Promise<void> {
  if (isGone(target)) throw new ForktaxError('FORKTAX_PROCESS', `process ${target.pid} has already ended`);
  process.kill(target.pid, 'SIGTERM');
  const deadline = performance.now() + MOST_WAIT_MS;
  while (!isGone(target)) {
    if (performance.now() > deadline) {
      const message = `process ${target.pid} did not end within ${MOST_WAIT_MS / 1000}s of SIGTERM; it still runs, and nothing was started`;
      throw new ForktaxError('FORKTAX_PROCESS', message);
    }
    await sleep(POLL_MS);
  }
}

/** A zombie counts as ended: it holds no resources any more. */
function isGone({ pid, startTime }: RunningProcess): boolean {
  const stat = tryReadStat(pid);
  return stat === undefined || stat.state === 'Z' || stat.startTime !== startTime;
}
