/** The newest slow spawns, as they happen. The kernel writes events only while this asks for them. */
import { formatBytes, formatCount, formatDuration } from '../terminal/format.ts';
import { clock, printable } from '../terminal/text.ts';
import type { EventData } from '../serve/api/schema.ts';
import { h, setChildren, setText } from './dom.ts';
import { SLOW_NS, type Slow } from './state.ts';

const MAX_ROWS = 50;
/** EventSource gives up when the collector refuses it, as it does while there are too many clients. */
const RETRY_MS = 5000;
type Spawn = Extract<EventData, { kind: 'spawn' | 'spawn-failure' }>;

interface Seen {
  readonly spawn: Spawn;
  readonly row: HTMLTableRowElement;
}

export class SlowSpawns {
  readonly element: HTMLElement;
  readonly #choice: HTMLSelectElement;
  readonly #body = h('tbody');
  readonly #note = h('p', { class: 'faint', role: 'status' });
  #seen: Seen[] = [];
  #source: EventSource | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #slow: Slow | undefined;
  #skipped = 0;
  #isVisible = true;
  #isShown: (spawn: Spawn) => boolean = () => true;

  constructor(onChoice: (slow: Slow) => void) {
    this.#choice = h(
      'select',
      { change: () => onChoice(this.#choice.value as Slow) },
      ...Object.keys(SLOW_NS).map((name) => h('option', { value: name }, name === 'off' ? 'off' : `${name} or longer`)),
    );
    const columns = ['at', 'spawner', 'pid', 'child', 'how', 'stall', 'copied'];
    const head = columns.map((name, i) => h('th', { scope: 'col', class: i < 2 ? 'text' : '' }, name));
    const table = h(
      'table',
      {},
      h('caption', {}, `The newest ${MAX_ROWS}, newest first`),
      h('thead', {}, h('tr', {}, ...head)),
      this.#body,
    );
    this.element = h(
      'section',
      { id: 'slow' },
      h('h2', {}, 'Slow spawns as they happen'),
      h('div', { class: 'tools' }, h('label', {}, 'Stalled ', this.#choice), this.#note),
      h('div', { class: 'scroll tall', tabindex: '0', role: 'group', 'aria-label': 'Slow spawns' }, table),
    );
  }

  show(slow: Slow, spawner: string | undefined): void {
    this.#isShown = ({ comm, cgroup, pid }) =>
      spawner === undefined || [comm, `${comm} @${cgroup}`, `${comm} @${pid}`].includes(spawner);
    this.#choice.value = slow;
    if (slow !== this.#slow) {
      this.#slow = slow;
      this.#seen = [];
      this.#connect();
    }
    this.#update();
  }

  /** A page that nobody sees costs nothing. */
  setVisible(isVisible: boolean): void {
    if (isVisible === this.#isVisible) return;
    this.#isVisible = isVisible;
    this.#connect();
  }

  #connect(): void {
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = undefined;
    if (this.#slow === undefined || this.#slow === 'off' || !this.#isVisible) return this.#update();
    const least = SLOW_NS[this.#slow];
    // EventSource sends Last-Event-ID by itself when it comes back.
    const source = new EventSource(`api/v1/events?kind=spawn,spawn-failure&min_stall_ns=${least}`);
    for (const kind of ['spawn', 'spawn-failure']) {
      source.addEventListener(kind, ({ data }) => this.#add(JSON.parse(String(data))));
    }
    source.addEventListener('skipped', ({ data }) => {
      this.#skipped += JSON.parse(String(data)).events;
      this.#update();
    });
    source.addEventListener('error', () => {
      if (source.readyState === EventSource.CLOSED) this.#retry = setTimeout(() => this.#connect(), RETRY_MS);
      this.#update();
    });
    source.addEventListener('open', () => this.#update());
    this.#source = source;
  }

  #add(spawn: Spawn): void {
    this.#seen = [{ spawn, row: rowOf(spawn) }, ...this.#seen].slice(0, MAX_ROWS);
    requestAnimationFrame(() => this.#update());
  }

  #update(): void {
    const shown = this.#seen.filter(({ spawn }) => this.#isShown(spawn));
    setChildren(
      this.#body,
      shown.map(({ row }) => row),
    );
    const missed = this.#skipped > 0 ? ` ${formatCount(this.#skipped)} events were missed.` : '';
    setText(this.#note, `${this.#stateText(shown.length)}${missed}`);
  }

  #stateText(count: number): string {
    if (this.#slow === 'off') return 'Off: the kernel writes no events for this page.';
    if (this.#source?.readyState !== EventSource.OPEN) return 'Not connected; trying again.';
    return count === 0 ? 'None yet.' : '';
  }
}

function rowOf(spawn: Spawn): HTMLTableRowElement {
  const isFailure = spawn.kind === 'spawn-failure';
  const cells = [
    String(spawn.pid),
    isFailure ? spawn.errno : String(spawn.child),
    spawn.mechanism,
    spawn.stall_ns === undefined ? '–' : formatDuration(spawn.stall_ns),
    isFailure ? '–' : formatBytes(spawn.copied_rss_bytes + spawn.copied_page_table_bytes),
  ];
  return h(
    'tr',
    {},
    h('td', { class: 'text' }, clock(spawn.at_ms)),
    h('td', { class: 'text' }, printable(spawn.comm)),
    ...cells.map((text, i) => h('td', { class: isFailure && i === 1 ? 'bad' : '' }, text)),
  );
}
