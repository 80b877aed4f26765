/** `forktax relaunch --pid`: how a running process would be run, and running it so. */
import type { RelaunchOptions } from '../command.ts';
import { ForktaxError } from '../../model/errors.ts';
import { formatBytes } from '../../terminal/format.ts';
import { printable } from '../../terminal/text.ts';
import { choose } from '../choose/choose.ts';
import { changesFor } from '../plan/variables.ts';
import { lookAtExecutable } from '../choose/program.ts';
import { runAndReport } from '../once.ts';
import type { FullPlan } from '../plan/plan.ts';
import { planJson, record } from '../report/run-json.ts';
import type { Report } from '../report/destination.ts';
import { planLines } from '../report/run-text.ts';
import type { RunRequest } from '../run/run.ts';
import { commandText, withChanges } from '../plan/command-text.ts';
import { readProcess, type RunningProcess } from './running-process.ts';
import { end, whyNot } from './replace.ts';
import { dropInFor, serviceOf, type DropIn } from './systemd-service.ts';

/** @throws FORKTAX_PROCESS */
export async function relaunchProcess(pid: number, options: RelaunchOptions, report: Report): Promise<number> {
  const target = readProcess(pid);
  const refusal = whyNot(target);
  if (target.isKernelThread) throw refused(target, refusal ?? '');
  const plan = planOf(target, options.via);
  const service = serviceOf(target.cgroup);
  const dropIn = service && dropInFor(service, plan.changes);
  if (!options.replace || service) {
    show({ target, plan, dropIn, refusal }, report);
    return 0;
  }
  if (refusal !== undefined) throw refused(target, refusal);
  if (plan.changes.length === 0 && options.via === 'auto') throw refused(target, `via none: ${plan.choice.reason}`);
  await end(target);
  return runAndReport(plan, requestOf(target, plan), report);
}

function refused({ pid, comm }: RunningProcess, why: string): ForktaxError {
  return new ForktaxError('FORKTAX_PROCESS', `process ${pid} (${printable(comm)}) is not replaced: ${why}`);
}

function planOf(target: RunningProcess, via: RelaunchOptions['via']): FullPlan {
  const { executable, uid, gid, anonymousBytes, argv } = target;
  const valueOf = (name: string): string | undefined => {
    const entry = target.environment.map(String).find((each) => each.startsWith(`${name}=`));
    return entry?.slice(name.length + 1);
  };
  const program = lookAtExecutable([executable], { libraryPath: valueOf('LD_LIBRARY_PATH'), uid, gid });
  const choice = choose(program, via, { copiedBytes: anonymousBytes });
  return { command: commandText(argv.map(String)), choice, changes: changesFor(choice.via, valueOf), path: executable };
}

function requestOf(target: RunningProcess, { path, changes, choice }: FullPlan): RunRequest {
  const { uid, gid, groups, umask, openFiles, directory, argv, environment } = target;
  return {
    command: String(argv[0]),
    directory,
    measure: { countEntries: choice.via === 'hugepages' },
    exec: {
      path,
      argv,
      environment: withChanges(environment, changes),
      umask,
      ...(openFiles !== undefined && { openFiles }),
      ...(uid !== process.getuid?.() && { user: { uid, gid, groups } }),
    },
  };
}

interface Shown {
  readonly target: RunningProcess;
  readonly plan: FullPlan;
  readonly dropIn: DropIn | undefined;
  readonly refusal: string | undefined;
}

function show(shown: Shown, report: Report): void {
  report.write({ text: () => `${lines(shown).join('\n')}\n`, json: () => json(shown) });
}

function lines({ target, plan, dropIn, refusal }: Shown): string[] {
  const { pid, comm, uid, anonymousBytes, directory } = target;
  return [
    `process ${pid} (${printable(comm)}) of user ${uid}, ${formatBytes(anonymousBytes)} of memory of its own`,
    `  ${printable(plan.command)}`,
    `  in ${printable(directory)}`,
    ...planLines(plan),
    ...(plan.changes.length === 0 ? [] : nextLines(pid, dropIn, refusal)),
  ];
}

function nextLines(pid: number, dropIn: DropIn | undefined, refusal: string | undefined): string[] {
  if (dropIn)
    return [
      `it is a service of systemd; write ${dropIn.path}:`,
      '',
      ...dropIn.content.split('\n'),
      'and then:',
      ...dropIn.commands.map((command) => `  ${command}`),
    ];
  if (refusal !== undefined) return [`it cannot be replaced from here: ${refusal}`];
  return [
    'to end it, and run it so with the input and output of your terminal:',
    `  forktax relaunch --pid ${pid} --replace`,
  ];
}

function json({ target, plan, dropIn, refusal }: Shown): object {
  const { pid, comm, uid, anonymousBytes, directory } = target;
  return {
    ...record('process'),
    ...planJson(plan),
    process: { pid, comm, uid, directory, anonymous_bytes: anonymousBytes },
    ...(dropIn && { drop_in: dropIn }),
    ...(refusal !== undefined && { not_replaceable: refusal }),
  };
}
