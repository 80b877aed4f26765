import { TIME_BOUNDS_NS } from '../model/bounds.ts';
import { quantile } from '../model/histogram.ts';
import { formatBytes, formatCount, formatDuration } from '../terminal/format.ts';
import type { Column } from '../terminal/table.ts';
import { cutEnd, printable } from '../terminal/text.ts';
import type { TopNeed } from './source.ts';
import { MINUTE_MS, type CoursePoint, type SpawnerFigures } from './history.ts';

export interface TopColumn extends Column<SpawnerFigures> {
  /** The key that sorts by it. */
  readonly key?: string;
  readonly meaning: string;
  /** What rows are sorted by, the largest first. */
  readonly value: (figures: SpawnerFigures) => number;
  /** The column is left out if no attached hook feeds one of these groups. */
  readonly needs: readonly TopNeed[];
  /** The width that it takes where there is room, and its cells then. */
  readonly wide?: { readonly width: number; readonly cell: (figures: SpawnerFigures, width: number) => string };
}

const stallQuantile =
  (q: number) =>
  ({ minute, worstNs }: SpawnerFigures) =>
    quantile(minute.stall, TIME_BOUNDS_NS, q, worstNs || undefined) ?? 0;
const duration = (ns: number): string => (ns > 0 ? formatDuration(ns) : '-');
const size = (bytes: number): string => (bytes >= 1 ? formatBytes(bytes) : '-');
const rate = (each: number): string => {
  if (each <= 0) return '-';
  return each >= 10 ? formatCount(Math.round(each)) : each.toFixed(1);
};

const SPARK_WIDTH = 12;

export const TOP_COLUMNS: readonly TopColumn[] = [
  {
    title: 'SPAWNER',
    meaning: 'name of the spawner',
    key: 'n',
    width: 16,
    align: 'left',
    value: () => 0,
    cell: ({ name }) => printable(name).slice(0, 16),
    needs: [],
    wide: { width: 32, cell: ({ name }, width) => cutEnd(printable(name), width) },
  },
  {
    title: 'UNIT',
    meaning:
      'its container (the first digits of the id) or service or scope of systemd; where it is in several, that of most ' +
      'spawns and how many more',
    width: 16,
    align: 'left',
    value: () => 0,
    cell: (figures) => placeText(figures, 16),
    needs: ['places'],
    dropOrder: 4,
    wide: { width: 40, cell: placeText },
  },
  {
    title: 'SPAWNS/s',
    meaning: 'spawns in each second',
    key: 's',
    width: 8,
    align: 'right',
    value: ({ rates }) => rates.spawns,
    cell: ({ rates }) => rate(rates.spawns),
    needs: ['spawns'],
  },
  {
    title: 'STALL/s',
    meaning: 'how long callers stand still in each second',
    key: 't',
    width: 7,
    align: 'right',
    value: ({ rates }) => rates.stallNs,
    cell: ({ rates }) => duration(rates.stallNs),
    needs: ['stall'],
  },
  {
    title: 'AVOID/s',
    meaning: 'the part of it that afork would have saved',
    key: 'a',
    width: 7,
    align: 'right',
    value: ({ rates }) => rates.avoidableNs,
    cell: ({ rates }) => duration(rates.avoidableNs),
    needs: ['stall', 'exec'],
  },
  {
    title: 'P50',
    meaning: 'median stall of the last minute',
    key: '5',
    width: 6,
    align: 'right',
    value: stallQuantile(0.5),
    cell: (figures) => duration(stallQuantile(0.5)(figures)),
    needs: ['stall'],
    dropOrder: 1,
  },
  {
    title: 'P99',
    meaning: '99th percentile of the stalls of the last minute',
    key: '9',
    width: 6,
    align: 'right',
    value: stallQuantile(0.99),
    cell: (figures) => duration(stallQuantile(0.99)(figures)),
    needs: ['stall'],
  },
  {
    title: 'WORST',
    meaning: 'the longest stall since the measurement began',
    key: 'w',
    width: 6,
    align: 'right',
    value: ({ worstNs }) => worstNs,
    cell: ({ worstNs }) => duration(worstNs),
    needs: ['stall'],
  },
  {
    title: 'COPIED/s',
    meaning: 'resident memory that is copied in each second',
    key: 'c',
    width: 8,
    align: 'right',
    value: ({ rates }) => rates.copiedBytes,
    cell: ({ rates }) => size(rates.copiedBytes),
    needs: ['spawns'],
  },
  {
    title: 'FAILS/s',
    meaning: 'spawns and execs that fail in each second',
    key: 'x',
    width: 7,
    align: 'right',
    value: ({ rates }) => rates.failures,
    cell: ({ rates }) => rate(rates.failures),
    needs: ['execFailures'],
    dropOrder: 2,
  },
  {
    title: 'SIBL/s',
    meaning: "how long the spawners' other threads wait in each second while forks copy their memory",
    key: 'b',
    width: 6,
    align: 'right',
    value: ({ rates }) => rates.siblingWaitNs,
    cell: ({ rates }) => duration(rates.siblingWaitNs),
    needs: ['siblings', 'stall'],
    dropOrder: 4,
  },
  {
    title: 'LAST MINUTE',
    meaning: 'the course of the stall over the last minute',
    width: SPARK_WIDTH,
    align: 'left',
    value: () => 0,
    cell: ({ course }) => sparkline(course, SPARK_WIDTH),
    needs: ['stall'],
    dropOrder: 3,
    wide: { width: 60, cell: ({ course }, width) => sparkline(course, width) },
  },
];

/** Lets columns be wider in the order of the table, as far as there is room. */
export function widened(columns: readonly TopColumn[], room: number): TopColumn[] {
  let left = room;
  return columns.map((column) => {
    const more = Math.min(left, (column.wide?.width ?? 0) - column.width);
    if (!column.wide || more <= 0) return column;
    left -= more;
    const { cell } = column.wide;
    const width = column.width + more;
    return { ...column, width, cell: (figures) => cell(figures, width) };
  });
}

function placeText({ places: [first, ...others] }: SpawnerFigures, width: number): string {
  if (first === undefined) return '?';
  const more = others.length > 0 ? ` +${others.length}` : '';
  return `${cutEnd(printable(first), width - more.length)}${more}`;
}

const BARS = '▁▂▃▄▅▆▇█';

/** One character for each part of the minute, the oldest first; a part without any stall is a space. */
export function sparkline(course: readonly CoursePoint[], width: number): string {
  const parts = Array<number>(width).fill(0);
  for (const { agoMs, stallNs } of course) {
    const part = width - 1 - Math.floor((agoMs / MINUTE_MS) * width);
    parts[part] = (parts[part] ?? 0) + stallNs;
  }
  const highest = Math.max(...parts);
  return parts
    .map((value) => (value > 0 ? BARS[Math.min(BARS.length - 1, Math.floor((value / highest) * BARS.length))] : ' '))
    .join('');
}
