/** The report of a comparison as text. */
import { formatBytes, formatCount, formatDuration } from '../../terminal/format.ts';
import { ForktaxError } from '../../model/errors.ts';
import { tableHeader, tableLine, type Column } from '../../terminal/table.ts';
import { printable } from '../../terminal/text.ts';
import type { Plan } from '../plan/plan.ts';
import { planLines } from '../report/plan-text.ts';
import { unmeasuredText } from '../report/unmeasured-text.ts';
import { verdictOf } from '../report/verdict.ts';
import { compareRuns, type Comparison, type Spread, type Unit } from './judge.ts';
import type { Sides } from './run-both-sides.ts';

export function comparisonText(plan: Plan, sides: Sides): string {
  const comparisons = compareRuns(sides.without, sides.with);
  const lines = [
    `forktax: ${printable(plan.command)}: ${runsText(sides)}`,
    ...planLines(plan),
    ...aforkLines(plan, sides),
    '',
    ...table(comparisons),
    '',
    ...conclusions(comparisons, sides),
  ];
  return `${lines.join('\n')}\n`;
}

function runsText(sides: Sides): string {
  const count = sides.with.length;
  if (count === 1) return 'one run without and one with it';
  return `${count} runs without and ${count} with it, in turn; median (lowest..highest)`;
}

function aforkLines(plan: Plan, sides: Sides): string[] {
  const last = sides.with.at(-1)?.measurement;
  if (!last) return [];
  return [last instanceof ForktaxError ? unmeasuredText(last) : verdictOf(plan.choice, last)];
}

function table(comparisons: readonly Comparison[]): string[] {
  const columns = [
    column('FIGURE', comparisons, ({ name }) => name),
    column('WITHOUT', comparisons, ({ unit, without }) => spreadText(without, unit)),
    column('WITH', comparisons, (each) => spreadText(each.with, each.unit)),
    column('DIFFERENCE', comparisons, differenceText),
  ];
  const lines = [tableHeader(columns), ...comparisons.map((comparison) => tableLine(columns, comparison))];
  return lines.map((line) => line.trimEnd());
}

/** Makes a column one wider than its widest cell. */
function column(title: string, rows: readonly Comparison[], cell: Column<Comparison>['cell']): Column<Comparison> {
  return { title, width: Math.max(title.length, ...rows.map((row) => cell(row).length)) + 1, align: 'left', cell };
}

const FORMATS: Readonly<Record<Unit, (value: number) => string>> = {
  ns: formatDuration,
  bytes: formatBytes,
  count: (value) => formatCount(Math.round(value)),
};

function spreadText({ median, min, max }: Spread, unit: Unit): string {
  const format = FORMATS[unit];
  const [middle, low, high] = [format(median), format(min), format(max)];
  return low === high ? middle : `${middle} (${low}..${high})`;
}

/** Says how much less, or more, the figure is with afork. */
function differenceText({ judgement, ratio, without, with: withIt }: Comparison): string {
  switch (judgement) {
    case 'same':
      return 'same';
    case 'neutral':
      return 'differs';
    case 'noise':
      return 'within the noise';
    case 'unknown':
    case 'less':
    case 'more':
      if (ratio === undefined) return without.median === 0 ? 'same' : 'gone';
      if (withIt.median <= without.median) return `${times(ratio)} less`;
      return without.median === 0 ? 'new' : `${times(1 / ratio)} more`;
  }
}

function times(ratio: number): string {
  if (ratio >= 99.5) return `${formatCount(Math.round(ratio))}x`;
  return `${ratio.toFixed(ratio < 9.95 ? 2 : 1)}x`;
}

function conclusions(comparisons: readonly Comparison[], { without, with: withIt }: Sides): string[] {
  const named = (judgement: Comparison['judgement']): string[] =>
    comparisons.filter((each) => each.judgement === judgement).map(({ name }) => name);
  const [less, more, noise] = [named('less'), named('more'), named('noise')];
  const statuses = [without, withIt].map((runs) => [...new Set(runs.map(({ status }) => status))].join(', '));
  return [
    ...(less.length > 0 ? [`less with it: ${less.join(', ')}`] : []),
    ...(more.length > 0 ? [`more with it: ${more.join(', ')}`] : []),
    ...(noise.length > 0 ? [`within the noise: ${noise.join(', ')}`] : []),
    ...(withIt.length === 1 ? ['one run on each side cannot tell a difference from noise: use --runs 3 or more'] : []),
    statuses[0] === statuses[1] ? `exit status ${statuses[0]}` : `exit status ${statuses.join(' without, ')} with it`,
  ];
}
