/**
 * What `forktax relaunch` does, from the command line to the exit status:
 *
 *   choose/    which way suits the program          relaunch -- COMMAND      choose → plan → run → report
 *   plan/      the variables to set for that way    relaunch --compare       choose → plan → run, run, … → compare
 *   run/       runs it; measure/ counts its spawns  relaunch --pid           process → choose → plan
 *   report/    text and JSON of one run             relaunch --pid --replace process → choose → plan → run → report
 *   compare/   runs it without and with, and compares
 *   process/   inspects a running process, and ends it
 *
 * A folder imports only those above it.
 */
import { isatty } from 'node:tty';
import { ForktaxError } from '../model/errors.ts';
import { takeInheritance, type Inheritance } from '../system/inherited.ts';
import type { RequestedVia } from './choose/choose.ts';
import { comparisonJson } from './compare/comparison-json.ts';
import { comparisonText } from './compare/comparison-text.ts';
import { progressText } from './compare/progress-text.ts';
import { runBothSides } from './compare/run-both-sides.ts';
import { planCommand, type Plan } from './plan/plan.ts';
import { inspectProcess } from './process/inspect-process.ts';
import { processJson } from './process/process-json.ts';
import { processText } from './process/process-text.ts';
import { replaceProcess } from './process/replace-process.ts';
import { openReport, say, type Report } from './report/destination.ts';
import { runReportJson } from './report/run-json.ts';
import { reportText } from './report/run-text.ts';
import { unmeasuredNotice } from './report/unmeasured-text.ts';
import { requestFor, type RunRequest } from './run/request.ts';
import { run, type RunResult } from './run/run.ts';

export interface RelaunchOptions {
  readonly via: RequestedVia;
  readonly report?: string | undefined;
  readonly json?: boolean | undefined;
  readonly compare?: boolean | undefined;
  readonly runs: number;
  readonly pid?: number | undefined;
  readonly replace?: boolean | undefined;
}

/** Gives the exit status. */
export async function relaunch(words: readonly string[], options: RelaunchOptions): Promise<number> {
  const inheritance = takeInheritance(words.length);
  const report = openReport(options);
  if (options.pid !== undefined) return relaunchProcess(options.pid, options, report);
  const plan = planCommand(words, options.via);
  if (options.compare) return compareAndReport(words, plan, inheritance, options, report);
  return runAndReport(plan, requestFor(plan, inheritance), report);
}

async function runAndReport(plan: Plan, request: RunRequest, report: Report): Promise<number> {
  const result = await run(request, (why) => say(unmeasuredNotice(plan, why)));
  const isToldAlready = result.measurement instanceof ForktaxError && !report.isRequested;
  if (!isToldAlready) reportRun(plan, result, report);
  return result.status;
}

function reportRun(plan: Plan, result: RunResult, report: Report): void {
  report.write({
    text: (width) => reportText(plan, result, width),
    json: () => runReportJson(plan, result),
  });
}

/** The exit status is the first one that is not 0. */
async function compareAndReport(
  words: readonly string[],
  firstPlan: Plan,
  inheritance: Inheritance,
  { via, runs }: RelaunchOptions,
  report: Report,
): Promise<number> {
  const { plan, sides } = await runBothSides({
    words,
    inheritance,
    plan: firstPlan,
    via,
    runs,
    onInputWait: () => say('forktax: reading standard input to its end, so that each run gets the same\n'),
    onRun: isatty(2) ? (start) => say(progressText(start)) : () => {},
    onUnmeasured: (why) => say(unmeasuredNotice(firstPlan, why)),
  });
  const [only] = sides.without;
  if (sides.with.length > 0)
    report.write({
      text: () => comparisonText(plan, sides),
      json: () => comparisonJson(plan, sides),
    });
  else if (only) reportRun(plan, only, report);
  return [...sides.with, ...sides.without].find(({ status }) => status !== 0)?.status ?? 0;
}

/** Shows how a process would be run, or replaces it. A service of systemd is never replaced: its drop-in is shown. */
async function relaunchProcess(pid: number, { via, replace }: RelaunchOptions, report: Report): Promise<number> {
  const inspected = inspectProcess(pid, via);
  if (!replace || inspected.dropIn) {
    report.write({
      text: () => processText(inspected),
      json: () => processJson(inspected),
    });
    return 0;
  }
  return runAndReport(inspected.plan, await replaceProcess(inspected, via), report);
}
