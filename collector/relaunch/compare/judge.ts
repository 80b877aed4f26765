/** Compares each figure of the two sides and judges whether the difference means anything. */
import { ForktaxError } from '../../model/errors.ts';
import { failuresOf, totalFigures, type Failures, type Figures } from '../measure/run-figures.ts';
import type { RunResult } from '../run/run.ts';

export type Unit = 'ns' | 'bytes' | 'count';

interface Kind {
  readonly name: string;
  readonly unit: Unit;
  /** Undefined if it was not measured. */
  readonly of: (run: RunResult) => number | undefined;
  /** True for a property of the program: neither more nor less of it is better. */
  readonly isNeutral?: true;
}

const KINDS: readonly Kind[] = [
  { name: 'wall clock', unit: 'ns', of: ({ wallNs }) => wallNs },
  { name: 'CPU time', unit: 'ns', of: ({ cpuNs }) => cpuNs },
  { name: 'spawns', unit: 'count', of: measured(({ spawns }) => spawns), isNeutral: true },
  { name: 'stall sum', unit: 'ns', of: measured(({ stallSumNs }) => stallSumNs) },
  { name: 'stall p50', unit: 'ns', of: measured(({ stallP50Ns }) => stallP50Ns) },
  { name: 'stall p99', unit: 'ns', of: measured(({ stallP99Ns }) => stallP99Ns) },
  { name: 'stall max', unit: 'ns', of: measured(({ stallMaxNs }) => stallMaxNs) },
  { name: 'sibling waits', unit: 'ns', of: measured(({ siblingWaitSumNs }) => siblingWaitSumNs) },
  { name: 'copied RSS', unit: 'bytes', of: measured(({ copiedRssBytes }) => copiedRssBytes) },
  { name: 'copied page tables', unit: 'bytes', of: measured((figures) => figures.copiedPageTableBytes) },
  { name: 'page-table entries', unit: 'count', of: measured((figures) => figures.copiedPageTableEntries) },
  { name: 'CoW faults', unit: 'count', of: measured(({ cowFaults }) => cowFaults) },
  { name: 'time of CoW faults', unit: 'ns', of: measured(({ cowFaultsSumNs }) => cowFaultsSumNs) },
  { name: 'exec delay p50', unit: 'ns', of: measured(({ execDelayP50Ns }) => execDelayP50Ns) },
  { name: 'exec delay p99', unit: 'ns', of: measured(({ execDelayP99Ns }) => execDelayP99Ns) },
  { name: 'failed spawns', unit: 'count', of: failed('spawn') },
  { name: 'failed execs', unit: 'count', of: failed('exec') },
];

function measured(of: (figures: Figures) => number | undefined): Kind['of'] {
  return ({ measurement }) => (measurement instanceof ForktaxError ? undefined : of(totalFigures(measurement)));
}

function failed(kind: Failures['kind']): Kind['of'] {
  return ({ measurement }) => {
    if (measurement instanceof ForktaxError) return undefined;
    return failuresOf(measurement).reduce((sum, failure) => sum + (failure.kind === kind ? failure.count : 0), 0);
  };
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/**
 * - `same`: the medians differ by at most 1 %
 * - `noise`: the ranges of the two sides overlap
 * - `less`, `more`: the ranges do not overlap
 * - `neutral`: they differ, and neither is better
 * - `unknown`: there is only one run on a side
 */
type Judgement = 'same' | 'noise' | 'less' | 'more' | 'neutral' | 'unknown';

export interface Comparison {
  readonly name: string;
  readonly unit: Unit;
  readonly without: Spread;
  readonly with: Spread;
  readonly judgement: Judgement;
  /** The median without divided by the median with; absent if the latter is 0. */
  readonly ratio?: number;
}

/** Leaves out figures that were not measured in every run. */
export function compareRuns(without: readonly RunResult[], withIt: readonly RunResult[]): Comparison[] {
  return KINDS.flatMap(({ name, unit, of, isNeutral }) => {
    const [before, after] = [spreadOf(without.map(of)), spreadOf(withIt.map(of))];
    if (!before || !after) return [];
    const isSingle = Math.min(without.length, withIt.length) < 2;
    const judgement = judge(before, after, { isSingle, isNeutral: isNeutral ?? false });
    const ratio = after.median === 0 ? undefined : before.median / after.median;
    return [{ name, unit, without: before, with: after, judgement, ...(ratio !== undefined && { ratio }) }];
  });
}

function spreadOf(values: readonly (number | undefined)[]): Spread | undefined {
  const known = values.filter((value) => value !== undefined).toSorted((a, b) => a - b);
  const [min, max] = [known[0], known.at(-1)];
  if (min === undefined || max === undefined || known.length < values.length) return undefined;
  const [low = 0, high = 0] = [known[(known.length - 1) >> 1], known[known.length >> 1]];
  return { median: (low + high) / 2, min, max };
}

/** A difference of at most this share counts as none. */
const NEGLIGIBLE = 0.01;

function judge(
  before: Spread,
  after: Spread,
  { isSingle, isNeutral }: { isSingle: boolean; isNeutral: boolean },
): Judgement {
  if (Math.abs(before.median - after.median) <= NEGLIGIBLE * before.median) return 'same';
  if (isNeutral) return 'neutral';
  if (isSingle) return 'unknown';
  if (before.min <= after.max && after.min <= before.max) return 'noise';
  return after.median < before.median ? 'less' : 'more';
}
