/** Runs a program without and with its way to spawn cheaply, in turn. */
import type { VIAS } from '../choose/choose.ts';
import { ForktaxError } from '../../model/errors.ts';
import { planFor, requestFor, type FullPlan } from '../plan/plan.ts';
import { say } from '../report/destination.ts';
import { largestCopier } from '../report/verdict.ts';
import type { Inheritance } from '../../system/inherited.ts';
import { run, type RunRequest, type RunResult } from '../run/run.ts';
import { repeatableInput, type RepeatableInput } from './repeatable-input.ts';
import type { Sides } from './comparison-text.ts';

export interface CompareOptions {
  readonly words: readonly string[];
  readonly inheritance: Inheritance;
  readonly plan: FullPlan;
  readonly via: (typeof VIAS)[number];
  readonly runs: number;
}

/** Ends early when the person interrupts, and after one run where there is no way to compare with. */
export async function compare(
  options: CompareOptions,
  onUnmeasured: (why: ForktaxError) => void,
): Promise<{ plan: FullPlan; sides: Sides }> {
  const input = await repeatableInput(() => {
    say('forktax: reading standard input to its end, for each run to have the same\n');
  });
  const without: RunResult[] = [];
  const withIt: RunResult[] = [];
  const { inheritance } = options;
  let { plan } = options;
  let tell: typeof onUnmeasured | undefined = onUnmeasured;
  for (let round = 0; round < options.runs; round++) {
    const before = await runOne(beforeRequest(plan, inheritance), input, tell);
    tell = undefined;
    without.push(before);
    if (round === 0) plan = reconsidered(options, before);
    if (plan.choice.via === 'none' || before.signal === 'SIGINT') break;
    const after = await runOne(requestFor(plan, inheritance), input, tell);
    withIt.push(after);
    if (after.signal === 'SIGINT') break;
  }
  return { plan, sides: { without: without.slice(0, withIt.length || 1), with: withIt } };
}

/** What the first run copied tells whether huge pages are worth it. */
function reconsidered({ words, plan, via }: CompareOptions, { measurement }: RunResult): FullPlan {
  if (measurement instanceof ForktaxError) return plan;
  const copiedBytes = largestCopier(measurement.rows)?.bytes ?? 0;
  return planFor(words, via, { copiedBytes });
}

async function runOne(
  request: RunRequest,
  input: RepeatableInput,
  onUnmeasured: ((why: ForktaxError) => void) | undefined,
): Promise<RunResult> {
  const stdin = input.open();
  try {
    return await run({ ...request, stdio: [stdin, 1, 2] }, onUnmeasured ?? (() => {}));
  } finally {
    input.close(stdin);
  }
}

/** Huge pages may turn out to be the way after this run. */
function beforeRequest(plan: FullPlan, inheritance: Inheritance): RunRequest {
  const countEntries = plan.choice.via === 'hugepages' || plan.choice.via === 'none';
  return { ...requestFor({ ...plan, changes: [] }, inheritance), measure: { countEntries } };
}
