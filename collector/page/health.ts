/** Whether all is measured, what was lost, and what the collector itself costs. */
import { snakeCase } from '../model/names.ts';
import { LOSSES } from '../model/snapshot.ts';
import { formatBytes, formatCount, formatDuration } from '../terminal/format.ts';
import type { HistoryAnswer } from '../serve/api/schema.ts';
import { h, setChildren, setText } from './dom.ts';
import type { Seen } from './history.ts';

const LABELS: Readonly<Record<(typeof LOSSES)[number], string>> = {
  eventsLost: 'events lost',
  rowsFolded: 'costs without a row of their own',
  failuresFolded: 'failures without a row of their own',
  callsUntracked: 'calls without a stall',
  processesUntracked: 'children that were not followed',
  siblingWaitsUntracked: 'waits of sibling threads that were not measured',
  cowFaultsUntimed: 'copy-on-write faults without a time',
};

export class HealthView {
  readonly element: HTMLElement;
  readonly #hooks = h('tbody');
  readonly #losses = h('tbody');
  readonly #costs = h('tbody');

  constructor() {
    const table = (caption: string, heads: readonly string[], body: HTMLElement) =>
      h(
        'table',
        {},
        h('caption', {}, caption),
        h('thead', {}, h('tr', {}, ...heads.map((head) => h('th', { scope: 'col', class: 'text' }, head)))),
        body,
      );
    this.element = h(
      'section',
      { id: 'health' },
      h('h2', {}, 'Health'),
      h(
        'div',
        { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'Health' },
        table('Hooks: where the kernel is measured', ['hook', 'state'], this.#hooks),
        table('Losses, since the collector started', ['what', 'count'], this.#losses),
        table('What the collector costs', ['what', 'now'], this.#costs),
      ),
    );
  }

  show(seen: Seen): void {
    const { latest } = seen;
    if (!latest) return;
    const { hooks } = latest.engine;
    fill(
      this.#hooks,
      hooks.map(({ name, attached, reason }): Line => [
        name,
        attached ? 'attached' : `not attached: ${reason ?? ''}`,
        !attached,
      ]),
    );
    fill(this.#losses, lossesOf(latest));
    fill(this.#costs, costsOf(seen, latest));
  }
}

type Line = readonly [name: string, value: string, isBad?: boolean];

function lossesOf({ health, collector }: HistoryAnswer): Line[] {
  const ofKernel = LOSSES.map((name): Line => {
    const count = health?.[snakeCase(name)];
    return [LABELS[name], count === undefined ? '–' : formatCount(count), (count ?? 0) > 0];
  });
  const skipped = collector.events_skipped;
  return [...ofKernel, ['events that slow clients missed', formatCount(skipped), skipped > 0]];
}

function costsOf(seen: Seen, { collector, health, programs }: HistoryAnswer): Line[] {
  const { cpuShare } = seen;
  const runNs = (programs ?? []).reduce((sum, { run_ns: ns }) => sum + ns, 0);
  const historyShare = collector.history_seconds / collector.uptime_seconds;
  const lines: Line[] = [
    ['of one processor', cpuShare === undefined ? '–' : `${(cpuShare * 100).toFixed(1)} %`],
    ['of that, this history', `${(historyShare * 100).toFixed(2)} %`],
    ['resident memory', formatBytes(collector.resident_bytes)],
    ['of that, this history', formatBytes(collector.history_bytes)],
    ['clients of events', formatCount(collector.event_clients)],
  ];
  if (health) {
    const full = (health['table_rows'] ?? 0) / Math.max(1, health['table_capacity'] ?? 1);
    lines.push([
      'rows of the table',
      `${formatCount(health['table_rows'] ?? 0)} (${Math.round(full * 100)} %)`,
      full > 0.9,
    ]);
  }
  if (runNs > 0) lines.push(['in the kernel, since the start', formatDuration(runNs)]);
  return lines;
}

function fill(body: HTMLElement, lines: readonly Line[]): void {
  while (body.children.length < lines.length) {
    body.append(h('tr', {}, h('th', { scope: 'row' }), h('td', { class: 'text wrap' })));
  }
  setChildren(body, [...body.children].slice(0, lines.length));
  for (const [i, [name, value, isBad]] of lines.entries()) {
    const row = body.children[i] as HTMLTableRowElement;
    const [head, cell] = row.cells;
    if (!head || !cell) continue;
    setText(head, name);
    setText(cell, value);
    cell.classList.toggle('bad', isBad === true);
  }
}

/** One sentence on what is wrong, or that nothing is. */
export function verdict({ engine, absent, source, health }: HistoryAnswer): { text: string; isBad: boolean } {
  const by = `Engine ${engine.name}, spawning calls seen by ${engine.call_hook ?? 'nothing'}.`;
  if (source?.down !== undefined) return { text: `Nothing is measured now: ${source.down}`, isBad: true };
  if (!health) return { text: 'The tables of spawn costs cannot be read; see the log of the collector.', isBad: true };
  if (absent.length > 0) {
    return { text: `Not measured here: ${absent.map(({ column }) => column).join(', ')}. ${by}`, isBad: true };
  }
  const lost = LOSSES.filter((name) => (health[snakeCase(name)] ?? 0) > 0);
  if (lost.length > 0) return { text: `There are losses: see Health. ${by}`, isBad: true };
  return { text: `All is measured, nothing was lost. ${by}`, isBad: false };
}
