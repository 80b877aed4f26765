/** How long spawns stalled, over time: a picture with a logarithmic scale, and its quantiles as a table. */
import { formatCount, formatDuration } from '../terminal/format.ts';
import { timeOfDay } from './chart.ts';
import { darkScheme, heatColor, ink } from './colors.ts';
import { h, setChildren, setText } from './dom.ts';
import { addTo, emptySums, stallQuantile, type Point, type Row } from './history.ts';

const LEFT = 66;
const BOTTOM = 18;
const MAX_COLUMNS = 180;
const QUANTILES = [0.5, 0.9, 0.99, 1] as const;

interface Column {
  readonly atMs: number;
  readonly slots: readonly number[];
}

export class HeatMap {
  readonly element: HTMLElement;
  readonly #canvas = h('canvas', { class: 'heat', 'aria-hidden': 'true' });
  readonly #absent = h('p', { class: 'faint' });
  readonly #body = h('tbody');
  readonly #legend = h('p', { class: 'faint' });
  readonly #shown: HTMLElement;
  #draw = () => {};

  constructor() {
    const head = ['stall', 'in the whole range'].map((name) => h('th', { scope: 'col' }, name));
    const table = h(
      'table',
      {},
      h('caption', {}, 'Stalls, in numbers'),
      h('thead', {}, h('tr', {}, ...head)),
      this.#body,
    );
    const scroll = h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'Stalls' }, table);
    this.#shown = h('div', {}, this.#canvas, this.#legend, scroll);
    this.element = h('section', {}, h('h2', {}, 'Stalls of single spawns'), this.#absent, this.#shown);
    new ResizeObserver(() => this.#draw()).observe(this.#canvas);
    darkScheme.addEventListener('change', () => this.#draw());
  }

  draw(points: readonly Point[], isShown: (row: Row) => boolean, bounds: readonly number[], absent?: string): void {
    this.#absent.hidden = absent === undefined;
    this.#shown.hidden = absent !== undefined;
    setText(this.#absent, absent === undefined ? '' : `Not measured here: ${absent}`);
    if (absent !== undefined) return;
    const columns = columnsOf(points, isShown);
    this.#draw = () => paint(this.#canvas, columns, bounds);
    this.#draw();
    const most = Math.max(0, ...columns.flatMap(({ slots }) => slots));
    setText(this.#legend, legendOf(columns.length, points, most));
    this.#fillTable(points, isShown, bounds);
  }

  #fillTable(points: readonly Point[], isShown: (row: Row) => boolean, bounds: readonly number[]): void {
    const sums = emptySums();
    for (const { rows } of points) for (const row of rows) if (isShown(row)) addTo(sums, row);
    const lines = QUANTILES.map((q) => {
      const value = stallQuantile(sums, bounds, q);
      const name = q === 1 ? 'the longest, at most' : `${q * 100} % are shorter than`;
      const longest = q === 1 ? bounds[sums.slots.length - 1] : value;
      return h(
        'tr',
        {},
        h('th', { scope: 'row' }, name),
        h('td', {}, formatted(value === undefined ? value : longest)),
      );
    });
    setChildren(this.#body, lines);
  }
}

const formatted = (ns: number | undefined) => (ns === undefined ? '–' : formatDuration(ns));

function legendOf(count: number, points: readonly Point[], most: number): string {
  if (most === 0) return 'No spawn in this range.';
  const seconds = Math.max(
    1,
    Math.round(points.reduce((sum, { spanMs }) => sum + spanMs, 0) / 1000 / Math.max(1, count)),
  );
  const time = seconds === 1 ? 'one second' : `${seconds} seconds`;
  return `Each column is about ${time}. The stronger the colour, the more spawns: from 1 to ${formatCount(most)}, by powers.`;
}

/** So many seconds to a column that there are not too many. */
function columnsOf(points: readonly Point[], isShown: (row: Row) => boolean): Column[] {
  const perColumn = Math.max(1, Math.ceil(points.length / MAX_COLUMNS));
  const columns: Column[] = [];
  for (let i = 0; i < points.length; i += perColumn) {
    const sums = emptySums();
    const group = points.slice(i, i + perColumn);
    for (const { rows } of group) for (const row of rows) if (isShown(row)) addTo(sums, row);
    columns.push({ atMs: group[0]?.atMs ?? 0, slots: Array.from(sums.slots, (count) => count ?? 0) });
  }
  return columns;
}

function paint(canvas: HTMLCanvasElement, columns: readonly Column[], bounds: readonly number[]): void {
  const { clientWidth: width, clientHeight: height } = canvas;
  const context = canvas.getContext('2d');
  if (!context || width === 0) return;
  canvas.width = width * devicePixelRatio;
  canvas.height = height * devicePixelRatio;
  context.scale(devicePixelRatio, devicePixelRatio);
  const used = columns.flatMap(({ slots }) => slots.flatMap((count, slot) => (count > 0 ? [slot] : [])));
  const most = Math.max(0, ...columns.flatMap(({ slots }) => slots));
  const lowest = Math.max(0, Math.min(...used, bounds.length) - 4);
  const highest = Math.min(bounds.length, Math.max(...used, lowest + 12) + 4);
  const rowHeight = (height - BOTTOM - 6) / (highest - lowest + 1);
  const columnWidth = (width - LEFT) / Math.max(1, columns.length);
  const yOf = (slot: number) => 6 + (highest - slot) * rowHeight;
  const { text, line } = ink();
  context.font = '12px system-ui, sans-serif';
  drawScale();
  columns.forEach(({ slots }, i) => {
    slots.forEach((count, slot) => {
      if (count === 0) return;
      context.fillStyle = heatColor((1 + Math.log(count)) / (1 + Math.log(most)));
      context.fillRect(LEFT + i * columnWidth, yOf(slot), Math.max(1, columnWidth), Math.max(1, rowHeight));
    });
  });

  /** A line for each power of ten that is in the picture, and times below. */
  function drawScale(): void {
    if (!context) return;
    context.fillStyle = text;
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    for (let ns = 1e3; ns <= 1e11; ns *= 10) {
      const slot = bounds.findIndex((bound) => bound >= ns);
      if (slot <= lowest || slot > highest) continue;
      const y = yOf(slot) + rowHeight;
      context.fillText(formatDuration(ns), LEFT - 8, y);
      context.fillStyle = line;
      context.fillRect(LEFT, y, width - LEFT, 1);
      context.fillStyle = text;
    }
    context.textBaseline = 'alphabetic';
    const labels = Math.max(1, Math.floor((width - LEFT) / 130));
    for (let i = 0; i < labels; i++) {
      const column = columns[Math.floor((i * columns.length) / labels)];
      context.textAlign = 'left';
      if (column) context.fillText(timeOfDay(column.atMs / 1000), LEFT + (i * (width - LEFT)) / labels, height - 4);
    }
  }
}
