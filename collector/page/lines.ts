/** The lines of a chart: the groups that have most, and all others together. */
import type { Line } from './chart.ts';
import { REST, SERIES, Slots } from './colors.ts';
import type { CountName, Point, Row } from './history.ts';

interface Options {
  readonly points: readonly Point[];
  readonly name: CountName;
  readonly isShown: (row: Row) => boolean;
  readonly groupOf: (row: Row) => string;
  readonly labelOf: (group: string) => string;
  /** Groups are spawners, which can be shown alone. */
  readonly canOpen: boolean;
}

/** By chart: each has lines of its own. */
const slots = new Map<CountName, Slots>();

/** Per second. Times are seconds since the epoch. */
export function linesOf({ points, name, isShown, groupOf, labelOf, canOpen }: Options): {
  times: number[];
  lines: Line[];
} {
  const rates = points.map((point) => ratesOf(point, name, isShown, groupOf));
  const totals = new Map<string, number>();
  for (const point of rates) for (const [group, value] of point) totals.set(group, (totals.get(group) ?? 0) + value);
  const ordered = [...totals].toSorted(([, a], [, b]) => b - a).map(([group]) => group);
  const top = ordered.length > SERIES ? ordered.slice(0, SERIES - 1) : ordered;
  const rest = new Set(ordered.slice(top.length));
  const names = rest.size > 0 ? [...top, REST] : top;
  const assigned = slotsOf(name).assign(names);
  const times = points.map(({ atMs }) => atMs / 1000);
  const lines = names.map((group) => ({
    name: labelOf(group),
    slot: assigned.get(group) ?? 0,
    canOpen: canOpen && group !== REST,
    values: rates.map((point) => (group === REST ? sumOf(point, rest) : (point.get(group) ?? 0))),
  }));
  return { times, lines };
}

function slotsOf(name: CountName): Slots {
  const known = slots.get(name) ?? new Slots();
  slots.set(name, known);
  return known;
}

function ratesOf(
  point: Point,
  name: CountName,
  isShown: Options['isShown'],
  groupOf: Options['groupOf'],
): Map<string, number> {
  const rates = new Map<string, number>();
  for (const row of point.rows) {
    if (!isShown(row)) continue;
    const value = (row[name] ?? 0) / (point.spanMs / 1000);
    rates.set(groupOf(row), (rates.get(groupOf(row)) ?? 0) + value);
  }
  return rates;
}

function sumOf(point: ReadonlyMap<string, number>, groups: ReadonlySet<string>): number {
  let sum = 0;
  for (const [group, value] of point) if (groups.has(group)) sum += value;
  return sum;
}
