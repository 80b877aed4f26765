/** The report of one run as text. */
import { absentColumns } from '../../model/hooks.ts';
import { ForktaxError } from '../../model/errors.ts';
import { FIGURES } from '../../model/figures.ts';
import { formatBytes, formatCount, formatDuration } from '../../terminal/format.ts';
import { COLUMN_NAMES } from '../../terminal/column-names.ts';
import { renderHistogram } from '../../terminal/histogram.ts';
import { fitColumns, tableHeader, tableLine, type Column } from '../../terminal/table.ts';
import { printable } from '../../terminal/text.ts';
import type { Measurement } from '../measure/meter.ts';
import type { RunResult } from '../run/run.ts';
import {
  costsByMechanism,
  failuresOf,
  figuresByProgram,
  type Failures,
  type GroupFigures,
} from '../measure/run-figures.ts';
import type { Plan } from '../plan/plan.ts';
import { planLines } from './plan-text.ts';
import { unmeasuredText } from './unmeasured-text.ts';
import { verdictOf } from './verdict.ts';

const MOST_PROGRAMS = 20;

/** `width` is the number of the terminal's columns, or Infinity. */
export function reportText(plan: Plan, result: RunResult, width: number): string {
  const { measurement } = result;
  const head = [`forktax: ${printable(plan.command)}: ${endText(result)}`, ...planLines(plan)];
  const body = measurement instanceof ForktaxError ? [unmeasuredText(measurement)] : measured(plan, measurement, width);
  return `${[...head, ...body].join('\n')}\n`;
}

function endText({ status, signal, wallNs, cpuNs }: RunResult): string {
  const end = signal ? `killed by ${signal}` : `exit status ${status}`;
  return `${end} after ${formatDuration(wallNs)} (${formatDuration(cpuNs)} of CPU time)`;
}

function measured(plan: Plan, measurement: Measurement, width: number): string[] {
  const programs = figuresByProgram(measurement);
  const lines = [verdictOf(plan.choice, measurement), ''];
  if (programs.length > 0) lines.push(...table(programs, width), '');
  const { copiedEntries } = measurement;
  if (copiedEntries !== undefined)
    lines.push(`forks copied about ${formatCount(copiedEntries)} page-table entries`, '');
  lines.push(...failureLines(failuresOf(measurement)), ...histograms(measurement), ...gaps(measurement));
  return lines.slice(0, lines.at(-1) === '' ? -1 : undefined);
}

function table(programs: readonly GroupFigures[], width: number): string[] {
  const some = (field: keyof GroupFigures): boolean => programs.some((each) => each[field] !== undefined);
  const columns = COLUMNS.filter(({ field }) => field === undefined || some(field));
  const fitting = fitColumns(columns, 0, width + 1);
  const shown = programs.slice(0, MOST_PROGRAMS);
  const hidden = programs.length - shown.length;
  return [
    tableHeader(fitting),
    ...shown.map((row) => tableLine(fitting, row)),
    ...(hidden > 0 ? [`${formatCount(hidden)} more programs with smaller stalls are not shown`] : []),
  ];
}

interface ReportColumn extends Column<GroupFigures> {
  /** The column is left out if no row has this field. */
  readonly field?: keyof GroupFigures;
}

const COLUMNS: readonly ReportColumn[] = [
  { title: 'COMM', width: 15, align: 'left', cell: ({ comm }) => printable(comm) },
  { title: 'MECH', width: 5, align: 'left', cell: ({ mechanism }) => mechanism },
  { title: 'SPAWNS', width: 7, align: 'right', cell: ({ spawns }) => formatCount(spawns) },
  time('STALL', 'stallSumNs'),
  time('P50', 'stallP50Ns'),
  time('P99', 'stallP99Ns'),
  time('MAX', 'stallMaxNs', 3),
  size('RSS', 'copiedRssBytes', 2),
  size('PTABLES', 'copiedPageTableBytes', 4),
  {
    title: 'COW',
    field: 'cowFaults',
    width: 7,
    align: 'right',
    dropOrder: 5,
    cell: ({ cowFaults }) => (cowFaults === undefined ? '-' : formatCount(cowFaults)),
  },
  time('SIBL', 'siblingWaitSumNs', 6),
  time('DELAY', 'execDelayP50Ns', 1),
];

function time(
  title: string,
  field: 'stallSumNs' | 'stallP50Ns' | 'stallP99Ns' | 'stallMaxNs' | 'execDelayP50Ns' | 'siblingWaitSumNs',
  dropOrder?: number,
): ReportColumn {
  const cell = (row: GroupFigures): string => (row[field] === undefined ? '-' : formatDuration(row[field]));
  return { title, field, width: 6, align: 'right', cell, ...(dropOrder !== undefined && { dropOrder }) };
}

function size(title: string, field: 'copiedRssBytes' | 'copiedPageTableBytes', dropOrder: number): ReportColumn {
  const cell = (row: GroupFigures): string => (row[field] === 0 ? '-' : formatBytes(row[field]));
  return { title, width: 7, align: 'right', cell, dropOrder };
}

function failureLines(failures: readonly Failures[]): string[] {
  if (failures.length === 0) return [];
  const linesOf = (kind: Failures['kind'], title: string): string[] => {
    const parts = failures
      .filter((failure) => failure.kind === kind)
      .map(({ comm, error, count }) => `${printable(comm)} ${error} ${formatCount(count)}`);
    return parts.length === 0 ? [] : [`${title}: ${parts.join(', ')}`];
  };
  return [...linesOf('spawn', 'failed spawns'), ...linesOf('exec', 'failed execs'), ''];
}

function histograms({ rows, hooks }: Measurement): string[] {
  if (absentColumns(hooks).has('stall')) return [];
  return costsByMechanism(rows).flatMap(([mechanism, { stall }]) => {
    return [`stall of ${mechanism}`, renderHistogram(stall, FIGURES.stall)];
  });
}

/** Says what the figures lack. */
function gaps({ hooks, health }: Measurement): string[] {
  const missing = [...absentColumns(hooks)].map(
    ([column, reason]) => `${COLUMN_NAMES[column]} cannot be measured: ${reason}`,
  );
  const { eventsLost, rowsFolded, callsUntracked, processesUntracked, siblingWaitsUntracked, cowFaultsUntimed } =
    health;
  return [
    ...missing,
    ...counted(eventsLost, 'events were lost: P50 and P99 are estimates where MAX is missing'),
    ...counted(rowsFolded, 'costs are charged to (other): the table was full'),
    ...counted(
      callsUntracked + processesUntracked,
      'spawns lack their stall, delay or faults: there were too many at once',
    ),
    ...counted(siblingWaitsUntracked, 'waits of sibling threads are not counted: there were too many at once'),
    ...counted(cowFaultsUntimed, 'copy-on-write faults lack their time: there were too many at once'),
  ];
}

function counted(count: number, what: string): string[] {
  return count > 0 ? [`${formatCount(count)} ${what}`] : [];
}
