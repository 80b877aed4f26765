/** What `forktax relaunch` does, from the command line to the exit status. */
import type { RelaunchOptions } from './command.ts';
import { comparisonJson } from './compare/comparison-json.ts';
import { compare, type CompareOptions } from './compare/run-both-sides.ts';
import { comparisonText } from './compare/comparison-text.ts';
import { reportRun, runAndReport, tellUnmeasured } from './once.ts';
import { planFor, requestFor } from './plan/plan.ts';
import { relaunchProcess } from './process/relaunch-process.ts';
import { openReport, type Report } from './report/destination.ts';
import { takeInheritance } from '../system/inherited.ts';

/** Gives the exit status. */
export async function relaunch(words: readonly string[], options: RelaunchOptions): Promise<number> {
  const inheritance = takeInheritance(words.length);
  const report = openReport(options);
  if (options.pid !== undefined) return relaunchProcess(options.pid, options, report);
  const plan = planFor(words, options.via);
  if (options.compare)
    return compareAndReport({ words, inheritance, plan, via: options.via, runs: options.runs }, report);
  return runAndReport(plan, requestFor(plan, inheritance), report);
}

async function compareAndReport(options: CompareOptions, report: Report): Promise<number> {
  const compared = await compare(options, (why) => tellUnmeasured(options.plan, why));
  const { sides } = compared;
  const [only] = sides.without;
  if (sides.with.length > 0)
    report.write({
      text: () => comparisonText(compared.plan, sides),
      json: () => comparisonJson(compared.plan, sides),
    });
  else if (only) reportRun(compared.plan, only, report);
  return [...sides.with, ...sides.without].find(({ status }) => status !== 0)?.status ?? 0;
}
