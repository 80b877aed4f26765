/** The lines of the screen, from what was measured and what the user has chosen. */
import { TIME_BOUNDS_NS } from '../model/bounds.ts';
import { quantile } from '../model/histogram.ts';
import type { SpawnLine } from '../model/spawn-lines.ts';
import { formatBytes, formatCount, formatDuration } from '../terminal/format.ts';
import type { Output } from '../terminal/output.ts';
import { fitColumns, tableHeader, tableLine, totalWidth } from '../terminal/table.ts';
import { clock, printable, wrap } from '../terminal/text.ts';
import { TOP_COLUMNS, widened, type TopColumn } from './columns.ts';
import type { TopNeed } from './source.ts';
import type { SpawnerFigures } from './history.ts';
import type { ViewState } from './view-state.ts';

export interface TopData {
  /** What is measured: this host, or the address of a collector. */
  readonly title: string;
  readonly nowMs: number;
  readonly figures: readonly SpawnerFigures[];
  readonly absent: ReadonlyMap<TopNeed, string>;
  readonly eventsLost: number;
  /** Percent of one processor, and resident bytes, of this process. */
  readonly own: { readonly cpuPercent: number; readonly residentBytes: number };
  /** The last spawns of the spawner that is shown alone, the newest last. Undefined where single spawns are not seen. */
  readonly lines: readonly SpawnLine[] | undefined;
  /** What its children executed, and how often. */
  readonly files: ReadonlyMap<string, number>;
  /** Why it stalls, and what to do about that. Undefined if nothing of its stall is avoidable. */
  readonly advice: { readonly why: string; readonly remedy: string } | undefined;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

type Style = Output['style'];

/** Lines above the rows: title, sums, header. */
export const ROWS_FROM = 3;
/** The line below the rows. */
const FOOTER_LINES = 1;

export const rowsThatFit = ({ height }: Size): number => Math.max(1, height - ROWS_FROM - FOOTER_LINES);

/** The index of the first row on the screen: the marked one is in the middle where there is room. */
export function firstShown(selected: number, rows: number, size: Size): number {
  const page = rowsThatFit(size);
  return Math.max(0, Math.min(selected - Math.floor(page / 2), rows - page));
}

/** Gives the rows in their order. `order` holds names in the order that they had, where that is frozen. */
export function rowsOf(
  figures: readonly SpawnerFigures[],
  { sort, filter, frozen }: ViewState,
  order: readonly string[],
): SpawnerFigures[] {
  const wanted = figures.filter(({ name }) => name.toLowerCase().includes(filter.toLowerCase()));
  if (frozen) {
    const place = new Map(order.map((name, index) => [name, index]));
    return wanted.toSorted((a, b) => (place.get(a.name) ?? order.length) - (place.get(b.name) ?? order.length));
  }
  const { value } = TOP_COLUMNS.find(({ title }) => title === sort) ?? { value: () => 0 };
  return wanted.toSorted((a, b) => value(b) - value(a) || (a.name < b.name ? -1 : 1));
}

export function screenLines(
  rows: readonly SpawnerFigures[],
  data: TopData,
  state: ViewState,
  size: Size,
  style: Style,
): string[] {
  const body = state.help
    ? helpLines()
    : state.detail === undefined
      ? tableLines(rows, data, state, size, style)
      : detailLines(data, state.detail, size, style);
  const lines = [...headLines(data, state), ...body].map((line) => fit(line, size.width));
  while (lines.length < size.height - FOOTER_LINES) lines.push('');
  return [...lines.slice(0, size.height - FOOTER_LINES), footer(data, size.width, style)];
}

/** The table alone, for output that is not a screen. */
export function tableText(rows: readonly SpawnerFigures[], data: TopData, width: number, style: Style): string {
  const columns = columnsFor(data, width);
  const lines = [style('bold', tableHeader(columns)), ...rows.map((row) => tableLine(columns, row))];
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

function headLines({ title, nowMs, figures }: TopData, { filter, typing, paused, frozen }: ViewState): string[] {
  const sum = (of: (rates: SpawnerFigures['rates']) => number) =>
    figures.reduce((all, { rates }) => all + of(rates), 0);
  const marks = [...(paused ? ['PAUSED'] : []), ...(frozen ? ['ORDER FROZEN'] : [])];
  const sums = [
    `${formatCount(Math.round(sum(({ spawns }) => spawns)))} spawns/s`,
    `${formatDuration(sum(({ stallNs }) => stallNs))} stalled/s`,
    `${formatDuration(sum(({ avoidableNs }) => avoidableNs))} avoidable/s`,
    `${formatBytes(sum(({ copiedBytes }) => copiedBytes))} copied/s`,
  ];
  const chosen = typing || filter !== '' ? [`filter: ${printable(filter)}${typing ? '_' : ''}`] : [];
  const heading = [`forktax top: ${printable(title)}`, clock(nowMs).slice(0, 8), ...chosen, ...marks].join('  ');
  return [heading, sums.join('  ')];
}

function columnsFor({ absent }: TopData, width: number): TopColumn[] {
  const measured = TOP_COLUMNS.filter(({ needs }) => !needs.some((group) => absent.has(group)));
  const fitting = fitColumns(measured, 0, width + 1);
  return Number.isFinite(width) ? widened(fitting, width + 1 - totalWidth(fitting)) : fitting;
}

function tableLines(
  rows: readonly SpawnerFigures[],
  data: TopData,
  { selected }: ViewState,
  size: Size,
  style: Style,
): string[] {
  const columns = columnsFor(data, size.width);
  const header = tableHeader(columns);
  const page = rowsThatFit(size);
  const first = firstShown(selected, rows.length, size);
  const lines = rows.slice(first, first + page).map((row, index) => {
    const line = tableLine(columns, row).padEnd(size.width).slice(0, size.width);
    return index + first === selected ? style('inverse', line) : coloured(line, row, style);
  });
  return [style('bold', header), ...(rows.length === 0 ? ['', 'no spawns in the last minute'] : lines)];
}

/** A fork copies memory, which is what can be avoided most: its rows stand out. */
function coloured(line: string, { rates }: SpawnerFigures, style: Style): string {
  if (rates.failures > 0) return style('red', line);
  return rates.avoidableNs > rates.stallNs / 2 && rates.stallNs > 0 ? style('yellow', line) : line;
}

function detailLines(
  { figures, lines, files, absent, advice }: TopData,
  name: string,
  { width, height }: Size,
  style: Style,
): string[] {
  const figure = figures.find((each) => each.name === name);
  if (!figure) return ['', `${printable(name)}: no spawns in the last minute`];
  const mechanisms = [...figure.mechanisms]
    .filter(([, { spawns }]) => spawns > 0)
    .map(([mechanism, costs]) => {
      const stall = absent.has('stall')
        ? ''
        : `stall ${formatDuration(costs.stall.sum)}, p50 ${at(costs, 0.5)}, p99 ${at(costs, 0.99)}, avoidable ${formatDuration(costs.avoidableStallNs)}, `;
      return `  ${mechanism.padEnd(6)} ${formatCount(costs.spawns)} spawns, ${stall}copied ${formatBytes(costs.copiedRss.sum)}`;
    });
  const executed = [...files]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, 5)
    .map(([file, count]) => `  ${formatCount(count).padStart(7)}  ${printable(file)}`);
  const places = figure.places.filter((place) => place !== '-');
  const place = places.length > 0 ? `, in ${printable(places.join(', '))}` : '';
  const advised = absent.has('stall') || absent.has('exec') ? [] : adviceLines(advice, width);
  const title = `${printable(name)}, the last minute${place}`.slice(0, width);
  const head = [style('bold', title), ...mechanisms, ...advised, ''];
  if (!lines) return [...head, 'Single spawns are not seen here: a collector tells only sums.'];
  const room = Math.max(
    0,
    height - ROWS_FROM - FOOTER_LINES - mechanisms.length - advised.length - executed.length - 6,
  );
  const last = lines.slice(-room).map((line) => `  ${spawnText(line)}`.slice(0, width));
  return [
    ...head,
    style('bold', 'What its children executed since you look'),
    ...(executed.length > 0 ? executed : ['  nothing yet']),
    '',
    style('bold', 'Its last spawns'),
    ...(last.length > 0 ? last : ['  none since you look']),
  ];
}

function adviceLines(advice: TopData['advice'], width: number): string[] {
  const text = advice ? `${advice.why} -> ${advice.remedy}` : 'Nothing of its stall is avoidable.';
  return wrap(printable(text), width - 2).map((line) => `  ${line}`);
}

const at = ({ stall }: SpawnerFigures['minute'], q: number): string =>
  formatDuration(quantile(stall, TIME_BOUNDS_NS, q) ?? 0);

function spawnText({ spawn, exec, lastFailure }: SpawnLine): string {
  const stall = spawn.stallNs === undefined ? '' : formatDuration(spawn.stallNs);
  const file = exec?.file ?? lastFailure?.file ?? '';
  return `${clock(spawn.atMs)} ${String(spawn.pid).padStart(7)} ${spawn.mechanism.padEnd(5)} ${stall.padStart(6)} ${printable(file)}`;
}

function helpLines(): string[] {
  const sorted = TOP_COLUMNS.filter(({ key }) => key).map(
    ({ key, title, meaning }) => `  ${key}  ${title.padEnd(9)} ${meaning}`,
  );
  return [
    'Sort by:',
    ...sorted,
    '  < >        the column to the left, to the right',
    'Up, Down, Page Up, Page Down, mouse: choose a spawner.  Enter: look at it.  Esc: back.',
    '/  filter by name    p  pause    f  keep the order of rows    q  quit    any key: back',
    'Yellow: more than half of the stall is avoidable. Red: something fails.',
  ];
}

function footer({ own, eventsLost }: TopData, width: number, style: Style): string {
  const lost = eventsLost > 0 ? `${formatCount(eventsLost)} events lost  ` : '';
  const cost = `${lost}own cost: ${own.cpuPercent.toFixed(1)}% of a processor, ${formatBytes(own.residentBytes)}`;
  const keys = '?: help  q: quit';
  return style('inverse', fit(`${cost.padEnd(Math.max(0, width - keys.length - 1))} ${keys}`, width).padEnd(width));
}

/** Cuts text that has no colours. A line with colours was made to fit. */
const fit = (line: string, width: number): string => (line.includes('\u001b') ? line : line.slice(0, width));
