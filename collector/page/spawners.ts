/** The table of spawners, or of the mechanisms of one. */
import { formatBytes, formatCount, formatDuration } from '../terminal/format.ts';
import { printable } from '../terminal/text.ts';
import { h, setChildren, setText } from './dom.ts';
import { stallQuantile, type Sums } from './history.ts';
import type { Sort, State } from './state.ts';

interface Figures extends Sums {
  readonly name: string;
  readonly p50: number | undefined;
  readonly p99: number | undefined;
}

interface Column {
  readonly sort: Sort | undefined;
  readonly head: string;
  readonly value: (figures: Figures, seconds: number) => string;
}

const orDash = <T>(value: T | null | undefined, format: (value: T) => string) =>
  value === null || value === undefined ? '–' : format(value);

const COLUMNS: readonly Column[] = [
  { sort: undefined, head: 'how', value: ({ mechanisms }) => [...mechanisms].toSorted().join(', ') || '–' },
  { sort: 'spawns', head: 'spawns', value: ({ spawns }) => orDash(spawns, formatCount) },
  {
    sort: undefined,
    head: 'a second',
    value: ({ spawns }, seconds) => orDash(spawns, (count) => (seconds > 0 ? rate(count / seconds) : '–')),
  },
  { sort: 'stall', head: 'stall', value: ({ stallNs }) => orDash(stallNs, formatDuration) },
  { sort: 'p50', head: 'p50', value: ({ p50 }) => orDash(p50, formatDuration) },
  { sort: 'p99', head: 'p99', value: ({ p99 }) => orDash(p99, formatDuration) },
  { sort: 'copied', head: 'copied', value: ({ copiedBytes }) => orDash(copiedBytes, formatBytes) },
  { sort: undefined, head: 'CoW faults', value: ({ cowFaults }) => orDash(cowFaults, formatCount) },
  { sort: 'avoidable', head: 'avoidable', value: ({ avoidableStallNs }) => orDash(avoidableStallNs, formatDuration) },
  { sort: 'failures', head: 'failures', value: ({ failures }) => formatCount(failures) },
];

const SORT_VALUES: Readonly<Record<Exclude<Sort, 'name'>, (figures: Figures) => number>> = {
  spawns: ({ spawns }) => spawns ?? 0,
  stall: ({ stallNs }) => stallNs ?? 0,
  p50: ({ p50 }) => p50 ?? 0,
  p99: ({ p99 }) => p99 ?? 0,
  copied: ({ copiedBytes }) => copiedBytes ?? 0,
  avoidable: ({ avoidableStallNs }) => avoidableStallNs ?? 0,
  failures: ({ failures }) => failures,
};

export interface Shown {
  readonly groups: ReadonlyMap<string, Sums>;
  readonly bounds: readonly number[];
  readonly seconds: number;
  readonly labelOf: (key: string) => string;
  readonly state: State;
}

interface Callbacks {
  readonly onSort: (sort: Sort) => void;
  readonly onFilter: (filter: string) => void;
  readonly onOpen: (key: string) => void;
}

export class Spawners {
  readonly element: HTMLElement;
  readonly filter: HTMLInputElement;
  readonly #callbacks: Callbacks;
  readonly #title = h('h2', {}, 'Spawners');
  readonly #caption = h('caption');
  readonly #first = h('span');
  readonly #body = h('tbody');
  readonly #heads = new Map<Sort, HTMLElement>();
  readonly #rows = new Map<string, HTMLTableRowElement>();
  readonly #tools: HTMLElement;

  constructor(callbacks: Callbacks) {
    this.#callbacks = callbacks;
    this.filter = h('input', {
      type: 'search',
      placeholder: 'part of a name',
      input: () => callbacks.onFilter(this.filter.value),
    });
    this.#tools = h('div', { class: 'tools' }, h('label', {}, 'Filter ', this.filter));
    const first = this.#sortable('name', this.#first);
    const heads = COLUMNS.map(({ sort, head }) =>
      sort ? this.#sortable(sort, head) : h('th', { scope: 'col' }, head),
    );
    const table = h('table', {}, this.#caption, h('thead', {}, h('tr', {}, first, ...heads)), this.#body);
    const scroll = h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'Spawners' }, table);
    this.element = h('section', { id: 'spawners', class: 'wide', tabindex: '-1' }, this.#title, this.#tools, scroll);
  }

  show({ groups, bounds, seconds, labelOf, state }: Shown): void {
    const isOne = state.spawner !== undefined;
    setText(this.#title, isOne ? 'Mechanisms' : 'Spawners');
    setText(this.#first, isOne ? 'mechanism' : 'spawner');
    this.#tools.hidden = isOne;
    if (this.filter !== document.activeElement) this.filter.value = state.filter;
    for (const [sort, head] of this.#heads) setSorted(head, sort, state.sort);
    const all = [...groups].map(([key, sums]) => figuresOf(key, sums, bounds));
    const wanted = isOne ? '' : state.filter.toLowerCase();
    const shown = all.filter(({ name }) => labelOf(name).toLowerCase().includes(wanted)).toSorted(orderOf(state.sort));
    const count = shown.length === all.length ? `${all.length}` : `${shown.length} of ${all.length}`;
    setText(this.#caption, shown.length === 0 ? 'No spawns in this range.' : `${count}, by ${state.sort}`);
    setChildren(
      this.#body,
      shown.map((figures) => this.#rowOf(figures, labelOf(figures.name), seconds, !isOne)),
    );
  }

  #sortable(sort: Sort, label: string | Node): HTMLElement {
    const button = h('button', { type: 'button', click: () => this.#callbacks.onSort(sort) }, label);
    const head = h('th', { scope: 'col' }, button);
    this.#heads.set(sort, head);
    return head;
  }

  #rowOf(figures: Figures, label: string, seconds: number, canOpen: boolean): HTMLTableRowElement {
    const key = JSON.stringify([figures.name, canOpen]);
    const row = this.#rows.get(key) ?? this.#newRow(figures.name, canOpen);
    this.#rows.set(key, row);
    const name = row.querySelector('th > *');
    if (name) setText(name, printable(label));
    COLUMNS.forEach(({ value }, i) => {
      const cell = row.cells[i + 1];
      if (cell) setText(cell, value(figures, seconds));
    });
    return row;
  }

  #newRow(key: string, canOpen: boolean): HTMLTableRowElement {
    const name = canOpen ? h('button', { type: 'button', click: () => this.#callbacks.onOpen(key) }) : h('span');
    return h('tr', { 'data-key': key }, h('th', { scope: 'row' }, name), ...COLUMNS.map(() => h('td')));
  }
}

function figuresOf(name: string, sums: Sums, bounds: readonly number[]): Figures {
  const [p50, p99] = [0.5, 0.99].map((q) => stallQuantile(sums, bounds, q));
  return { name, p50, p99, ...sums };
}

function orderOf(sort: Sort): (a: Figures, b: Figures) => number {
  const byName = (a: Figures, b: Figures) => a.name.localeCompare(b.name);
  if (sort === 'name') return byName;
  const value = SORT_VALUES[sort];
  return (a, b) => value(b) - value(a) || byName(a, b);
}

function setSorted(head: HTMLElement, sort: Sort, by: Sort): void {
  if (sort === by) head.setAttribute('aria-sort', sort === 'name' ? 'ascending' : 'descending');
  else head.removeAttribute('aria-sort');
}

/** Three digits. */
export function rate(value: number): string {
  if (value >= 99.95 || value === 0) return formatCount(Math.round(value));
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}
