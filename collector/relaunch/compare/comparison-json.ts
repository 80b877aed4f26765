import type { Plan } from '../plan/plan.ts';
import { jsonRecord } from '../../terminal/json-record.ts';
import { planJson } from '../report/plan-json.ts';
import { runJson } from '../report/run-json.ts';
import { compareRuns } from './judge.ts';
import type { Sides } from './run-both-sides.ts';

/** The output of `forktax relaunch --compare --json`. */
export function comparisonJson(plan: Plan, sides: Sides): object {
  return {
    ...jsonRecord('comparison'),
    ...planJson(plan),
    comparison: compareRuns(sides.without, sides.with),
    without: sides.without.map(runJson),
    with: sides.with.map(runJson),
  };
}
