/** Runs a program without and with its way to spawn cheaply, in turn. */
import { ForktaxError } from '../../model/errors.ts';
import type { Inheritance } from '../../system/inherited.ts';
import type { RequestedVia } from '../choose/choose.ts';
import { largestCopier } from '../measure/run-figures.ts';
import { planCommand, type Plan } from '../plan/plan.ts';
import { requestFor, type RunRequest } from '../run/request.ts';
import { run, type RunResult } from '../run/run.ts';
import { repeatableInput, type RepeatableInput } from './repeatable-input.ts';

export interface CompareOptions {
  readonly words: readonly string[];
  readonly inheritance: Inheritance;
  readonly plan: Plan;
  readonly via: RequestedVia;
  /** How often the program runs on each side. */
  readonly runs: number;
  /** Called if reading standard input takes long. */
  readonly onInputWait: () => void;
  /** Called before each run. */
  readonly onRun: (run: RunStart) => void;
  /** Called before the first run if nothing can be measured. */
  readonly onUnmeasured: (why: ForktaxError) => void;
}

export interface RunStart {
  /** From 1. */
  readonly number: number;
  readonly runs: number;
  /** With the way that makes spawns cheap. */
  readonly isWith: boolean;
  /** Since the first run began. */
  readonly elapsedNs: number;
}

export interface Sides {
  readonly without: readonly RunResult[];
  readonly with: readonly RunResult[];
}

/**
 * Stops early if the user interrupts it. Stops after one run if that run leaves no way to compare with; then `with` is
 * empty.
 */
export async function runBothSides(options: CompareOptions): Promise<{ plan: Plan; sides: Sides }> {
  const { inheritance } = options;
  const input = await repeatableInput(options.onInputWait);
  const without: RunResult[] = [];
  const withIt: RunResult[] = [];
  const start = performance.now();
  const tell = (isWith: boolean): void => {
    const number = without.length + withIt.length + 1;
    options.onRun({ number, runs: 2 * options.runs, isWith, elapsedNs: (performance.now() - start) * 1e6 });
  };
  let { plan, onUnmeasured } = options;
  for (let round = 0; round < options.runs; round++) {
    tell(false);
    const before = await runOne(requestWithout(plan, inheritance), input, onUnmeasured);
    onUnmeasured = () => {};
    without.push(before);
    if (round === 0) plan = reconsidered(options, before);
    if (plan.choice.via === 'none' || before.signal === 'SIGINT') break;
    tell(true);
    const after = await runOne(requestFor(plan, inheritance), input, onUnmeasured);
    withIt.push(after);
    if (after.signal === 'SIGINT') break;
  }
  return { plan, sides: { without: without.slice(0, withIt.length || 1), with: withIt } };
}

/** Plans again: what the forks of the first run copied tells whether huge pages pay off. */
function reconsidered({ words, plan, via }: CompareOptions, { measurement }: RunResult): Plan {
  if (measurement instanceof ForktaxError) return plan;
  const copiedBytes = largestCopier(measurement.rows)?.bytes ?? 0;
  return planCommand(words, via, { copiedBytes });
}

async function runOne(
  request: RunRequest,
  input: RepeatableInput,
  onUnmeasured: (why: ForktaxError) => void,
): Promise<RunResult> {
  const stdin = input.open();
  try {
    return await run({ ...request, stdio: [stdin, 1, 2] }, onUnmeasured);
  } finally {
    input.close(stdin);
  }
}

/** Counts page-table entries for `none` as well: after this run the plan may become `hugepages`. */
function requestWithout(plan: Plan, inheritance: Inheritance): RunRequest {
  const countEntries = plan.choice.via === 'hugepages' || plan.choice.via === 'none';
  return { ...requestFor({ ...plan, changes: [] }, inheritance), measure: { countEntries } };
}
