/** One run, and its report. */
import { ForktaxError } from '../model/errors.ts';
import type { FullPlan } from './plan/plan.ts';
import { planJson, record, runJson } from './report/run-json.ts';
import { say, type Report } from './report/destination.ts';
import { notMeasured, reportText } from './report/run-text.ts';
import { run, type RunRequest, type RunResult } from './run/run.ts';

/** Runs it once, and gives its exit status. */
export async function runAndReport(plan: FullPlan, request: RunRequest, report: Report): Promise<number> {
  const result = await run(request, (why) => tellUnmeasured(plan, why));
  const isToldAlready = result.measurement instanceof ForktaxError && !report.isAskedFor;
  if (!isToldAlready) reportRun(plan, result, report);
  return result.status;
}

export function reportRun(plan: FullPlan, result: RunResult, report: Report): void {
  report.write({
    text: (width) => reportText(plan, result, width),
    json: () => ({ ...record('relaunch'), ...planJson(plan), run: runJson(result) }),
  });
}

export function tellUnmeasured({ choice }: FullPlan, why: ForktaxError): void {
  say(`forktax: via ${choice.via}: ${choice.reason}; ${notMeasured(why)}\n`);
}
