/** What scripts/test-failing.ts tells the processes of the tests, through the environment. */

export interface BrokenBy {
  /** Which assertion of each test fails, from 1; or that each `before` hook fails, when it has done its work. */
  readonly by: number | 'before';
  /** A file that gets one line for each failure that was made. */
  readonly log: string;
}

export const MADE_TO_FAIL = 'made to fail by scripts/test-failing.ts';

const BY = 'FORKTAX_FAILING_BY';
const LOG = 'FORKTAX_FAILING_LOG';

export const writePlan = ({ by, log }: BrokenBy) => ({ [BY]: String(by), [LOG]: log });

export function readPlan(environment: NodeJS.ProcessEnv): BrokenBy | undefined {
  const [by, log] = [environment[BY], environment[LOG]];
  if (by === undefined || log === undefined) return undefined;
  return { by: by === 'before' ? by : Number(by), log };
}
