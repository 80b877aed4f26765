/** Finds out how a running process would be run with afork, and whether it can be replaced. */
import { ForktaxError } from '../../model/errors.ts';
import { printable } from '../../terminal/text.ts';
import type { RequestedVia } from '../choose/choose.ts';
import { lookAtExecutable } from '../choose/program.ts';
import { makePlan, type Plan } from '../plan/plan.ts';
import { whyNotReplaceable } from '../running/replaceable.ts';
import { readProcess, type RunningProcess } from '../running/running-process.ts';
import { dropInFor, serviceOf, type DropIn } from './systemd-service.ts';

export interface InspectedProcess {
  readonly target: RunningProcess;
  readonly plan: Plan;
  /** What changes the process instead, if it is a service of systemd. */
  readonly dropIn: DropIn | undefined;
  /** Why it cannot be replaced; undefined if it can. */
  readonly refusal: string | undefined;
}

/** @throws FORKTAX_PROCESS */
export function inspectProcess(pid: number, via: RequestedVia): InspectedProcess {
  const target = readProcess(pid);
  const refusal = whyNotReplaceable(target);
  if (target.isKernelThread) throw refused(target, refusal ?? '');
  const plan = planProcess(target, via);
  const service = serviceOf(target.cgroup);
  return { target, plan, dropIn: service && dropInFor(service, plan.changes), refusal };
}

export function refused({ pid, comm }: RunningProcess, why: string): ForktaxError {
  return new ForktaxError('FORKTAX_PROCESS', `process ${pid} (${printable(comm)}) is not replaced: ${why}`);
}

function planProcess(target: RunningProcess, via: RequestedVia): Plan {
  const { executable, uid, gid, anonymousBytes, argv, environment } = target;
  const valueOf = (name: string): string | undefined => {
    const entry = environment.map(String).find((each) => each.startsWith(`${name}=`));
    return entry?.slice(name.length + 1);
  };
  const program = lookAtExecutable([executable], { libraryPath: valueOf('LD_LIBRARY_PATH'), uid, gid });
  const evidence = { copiedBytes: anonymousBytes };
  return makePlan({ words: argv.map(String), path: executable, program, via, evidence, valueOf });
}
