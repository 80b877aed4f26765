import { planJson, record, runJson } from '../report/json.ts';
import type { Plan } from '../report/text.ts';
import { compareRuns } from './figures.ts';
import type { Sides } from './text.ts';

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
