/** Spawns and execs that failed in the range. */
import { formatCount } from '../terminal/format.ts';
import { printable } from '../terminal/text.ts';
import { h, setChildren, setText } from './dom.ts';
import type { Point } from './history.ts';

const WHAT: Readonly<Record<string, string>> = { spawn: 'spawn', exec: 'exec of the child' };

export class Failures {
  readonly element: HTMLElement;
  readonly #caption = h('caption');
  readonly #body = h('tbody');

  constructor() {
    const head = ['spawner', 'what failed', 'error'].map((name) => h('th', { scope: 'col', class: 'text' }, name));
    const table = h(
      'table',
      {},
      this.#caption,
      h('thead', {}, h('tr', {}, ...head, h('th', { scope: 'col' }, 'count'))),
      this.#body,
    );
    const scroll = h('div', { class: 'scroll tall', tabindex: '0', role: 'group', 'aria-label': 'Failures' }, table);
    this.element = h('section', { id: 'failures' }, h('h2', {}, 'Failures'), scroll);
  }

  show(points: readonly Point[], labelOf: (key: string) => string, spawner: string | undefined): void {
    const counts = new Map<string, { fields: readonly string[]; count: number }>();
    for (const { key, kind, errno, count } of points.flatMap(({ failures }) => failures)) {
      if (spawner !== undefined && key !== spawner) continue;
      const id = JSON.stringify([key, kind, errno]);
      const sum = counts.get(id) ?? { fields: [printable(labelOf(key)), WHAT[kind] ?? kind, errno], count: 0 };
      sum.count += count;
      counts.set(id, sum);
    }
    const lines = [...counts.values()].toSorted((a, b) => b.count - a.count);
    setText(this.#caption, lines.length === 0 ? 'None in this range.' : `${lines.length} kinds, most frequent first`);
    setChildren(
      this.#body,
      lines.map(({ fields: [name = '', ...rest], count }) =>
        h(
          'tr',
          {},
          h('th', { scope: 'row' }, name),
          ...rest.map((text) => h('td', { class: 'text' }, text)),
          h('td', {}, formatCount(count)),
        ),
      ),
    );
  }
}
