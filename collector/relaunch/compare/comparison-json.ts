import { planJson, record, runJson } from '../report/run-json.ts';
import type { Plan } from '../report/run-text.ts';
import { compareRuns } from './judge.ts';
import type { Sides } from './comparison-text.ts';

/** `forktax relaunch --compare --json`. */
export function comparisonJson(plan: Plan, sides: Sides): object {
  return {
    ...record('comparison'),
    ...planJson(plan),
    comparison: compareRuns(sides.without, sides.with),
    without: sides.without.map(runJson),
    with: sides.with.map(runJson),
  };
}
