/** A chart of lines over time, with the same numbers as a table under it. */
import uPlot from 'uplot';
import { darkScheme, ink, seriesStyle } from './colors.ts';
import { h, setChildren, setText } from './dom.ts';

export interface Line {
  readonly name: string;
  readonly slot: number;
  /** Its name is a button that shows it alone. */
  readonly canOpen: boolean;
  /** One for each time; null: nothing is known of that time. */
  readonly values: readonly (number | null)[];
}

interface Options {
  readonly title: string;
  readonly format: (value: number) => string;
  readonly onOpen: (name: string) => void;
}

/** Charts show the same moment under the pointer. */
const SYNC = uPlot.sync('time');
const HEIGHT = 170;

export class Chart {
  readonly element: HTMLElement;
  readonly #options: Options;
  readonly #place = h('div', { class: 'chart', 'aria-hidden': 'true' });
  readonly #body = h('tbody');
  readonly #when = h('th', { scope: 'col' }, 'last');
  readonly #absent = h('p', { class: 'faint' });
  readonly #table: HTMLElement;
  readonly #rows = new Map<string, HTMLTableRowElement>();
  #plot: uPlot | undefined;
  #shape = '';
  #times: readonly number[] = [];
  #lines: readonly Line[] = [];

  constructor(options: Options) {
    this.#options = options;
    const head = ['mean', 'most'].map((name) => h('th', { scope: 'col' }, name));
    this.#table = h(
      'table',
      {},
      h('caption', {}, `${options.title}, in numbers`),
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'line'), this.#when, ...head)),
      this.#body,
    );
    const scroll = h(
      'div',
      { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': options.title },
      this.#table,
    );
    this.element = h('section', {}, h('h2', {}, options.title), this.#absent, this.#place, scroll);
    new ResizeObserver(() => this.#resize()).observe(this.#place);
    darkScheme.addEventListener('change', () => {
      this.#shape = '';
      this.draw(this.#times, this.#lines);
    });
  }

  /** Times are seconds since the epoch. `absent` says why there is nothing to draw. */
  draw(times: readonly number[], lines: readonly Line[], absent?: string): void {
    this.#times = times;
    this.#lines = lines;
    this.#absent.hidden = absent === undefined;
    setText(this.#absent, absent === undefined ? '' : `Not measured here: ${absent}`);
    this.#place.hidden = absent !== undefined;
    this.#table.hidden = absent !== undefined;
    if (absent !== undefined) return;
    const shape = JSON.stringify(lines.map(({ name, slot }) => [name, slot]));
    const data = [times, ...lines.map(({ values }) => values)] as unknown as uPlot.AlignedData;
    if (shape === this.#shape && this.#plot) this.#plot.setData(data);
    else this.#create(data);
    this.#shape = shape;
    this.#fillTable();
  }

  #create(data: uPlot.AlignedData): void {
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#uplotOptions(), data, this.#place);
    SYNC.sub(this.#plot);
  }

  #uplotOptions(): uPlot.Options {
    const { text, line } = ink();
    const axis = { stroke: text, grid: { stroke: line, width: 1 }, ticks: { stroke: line } };
    return {
      width: this.#place.clientWidth || 300,
      height: HEIGHT,
      legend: { show: false },
      cursor: { sync: { key: SYNC.key }, drag: { x: false, y: false } },
      scales: {
        x: { range: () => this.#span() },
        y: { range: (_plot, _low, high) => [0, Math.max(high, 1e-9) * 1.05] },
      },
      axes: [
        { ...axis, values: (_plot, times) => times.map(timeOfDay), space: 80 },
        { ...axis, size: 84, values: (_plot, values) => values.map((value) => this.#options.format(value)) },
      ],
      series: [
        {},
        ...this.#lines.map(({ name, slot }) => {
          const { color: stroke, dash } = seriesStyle(slot);
          return {
            label: name,
            stroke,
            width: 2,
            dash: [...dash],
            points: { show: (plot: uPlot) => plot.data[0].length < 3 },
          };
        }),
      ],
      hooks: { setCursor: [() => this.#fillTable()] },
    };
  }

  /** At least ten seconds, in seconds since the epoch. */
  #span(): [number, number] {
    const first = this.#times[0] ?? Date.now() / 1000;
    return [first, Math.max(first + 10, this.#times.at(-1) ?? 0)];
  }

  #resize(): void {
    const width = this.#place.clientWidth;
    if (this.#plot && width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: HEIGHT });
  }

  #fillTable(): void {
    const at = this.#plot?.cursor.idx ?? undefined;
    const time = at === undefined ? undefined : this.#times[at];
    setText(this.#when, time === undefined ? 'last' : timeOfDay(time));
    setChildren(
      this.#body,
      this.#lines.map((line) => this.#rowOf(line, at)),
    );
  }

  #rowOf(line: Line, at: number | undefined): HTMLTableRowElement {
    const key = JSON.stringify([line.name, line.canOpen]);
    const row = this.#rows.get(key) ?? this.#newRow(line);
    this.#rows.set(key, row);
    const { color, dash } = seriesStyle(line.slot);
    const swatch = row.querySelector<HTMLElement>('.swatch');
    if (swatch) swatch.style.background = dash.length === 0 ? color : striped(color, dash);
    const known = line.values.filter((value) => value !== null);
    const last = at === undefined ? known.at(-1) : line.values[at];
    const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
    const figures = [last ?? undefined, mean, Math.max(...known)];
    figures.forEach((value, i) => {
      const cell = row.cells[i + 1];
      if (cell) setText(cell, value === undefined || !Number.isFinite(value) ? '–' : this.#options.format(value));
    });
    return row;
  }

  #newRow({ name, canOpen }: Line): HTMLTableRowElement {
    const { onOpen } = this.#options;
    const label = canOpen ? h('button', { type: 'button', click: () => onOpen(name) }, name) : name;
    const head = h('th', { scope: 'row' }, h('span', { class: 'swatch', 'aria-hidden': 'true' }), label);
    return h('tr', {}, head, h('td'), h('td'), h('td'));
  }
}

/** As the line is drawn. */
function striped(color: string, dash: readonly number[]): string {
  let at = 0;
  const stops = dash.map((length, i) => {
    const stop = `${i % 2 === 0 ? color : 'transparent'} ${at}px ${at + length}px`;
    at += length;
    return stop;
  });
  return `repeating-linear-gradient(90deg, ${stops.join(', ')})`;
}

export function timeOfDay(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour12: false });
}
