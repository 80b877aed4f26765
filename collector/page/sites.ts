/** Which code spawns: a flame graph and a table of call stacks, copied when somebody asks. */
import { frameName, framePlace, interestingFrames } from '../model/frames.ts';
import { formatBytes, formatCount, formatDuration } from '../terminal/format.ts';
import { printable } from '../terminal/text.ts';
import type { SitesAnswer } from '../serve/api/schema.ts';
import { h, setChildren, setText } from './dom.ts';
import { FlameGraph } from './flame-graph.ts';
import { codeOf, flameTree, WEIGHTS, type Site, type WeightName } from './flame-tree.ts';

const SECONDS = ['5', '10', '30', '60'] as const;
const MAX_ROWS = 50;
const MAX_FRAMES = 6;

const FORMATS: Readonly<Record<WeightName, (value: number) => string>> = {
  stall: formatDuration,
  spawns: formatCount,
  'avoidable stall': formatDuration,
  'copied memory': formatBytes,
};

export class Sites {
  readonly element: HTMLElement;
  readonly #needs = h('p', { class: 'faint' });
  readonly #tools: HTMLElement;
  readonly #seconds = h('select', {}, ...SECONDS.map((one) => h('option', { value: one }, `${one} s`)));
  readonly #weight: HTMLSelectElement;
  readonly #button = h('button', { type: 'button', click: () => void this.#ask() }, 'Copy call stacks');
  readonly #note = h('p', { class: 'faint', role: 'status' });
  readonly #graph = new FlameGraph();
  readonly #caption = h('caption');
  readonly #body = h('tbody');
  readonly #result: HTMLElement;
  #answer: SitesAnswer | undefined;
  #spawner: string | undefined;
  #asking: AbortController | undefined;

  constructor() {
    this.#seconds.value = '10';
    const names = Object.keys(WEIGHTS).map((name) => h('option', { value: name }, name));
    this.#weight = h('select', { change: () => this.#draw() }, ...names);
    this.#tools = h(
      'div',
      { class: 'tools' },
      h('label', {}, 'For ', this.#seconds),
      this.#button,
      h('label', {}, 'Width: ', this.#weight),
    );
    const columns = ['spawner', 'spawns', 'stall', 'avoidable', 'copied', 'call stack, innermost first'];
    const head = columns.map((name, i) => h('th', { scope: 'col', class: i === 0 || i === 5 ? 'text' : '' }, name));
    const table = h('table', {}, this.#caption, h('thead', {}, h('tr', {}, ...head)), this.#body);
    this.#result = h(
      'div',
      {},
      legend(),
      this.#graph.element,
      h('div', { class: 'scroll tall', tabindex: '0', role: 'group', 'aria-label': 'Call stacks' }, table),
    );
    this.#result.hidden = true;
    this.element = h(
      'section',
      { id: 'sites', class: 'wide' },
      h('h2', {}, 'Which code spawns'),
      this.#needs,
      this.#tools,
      this.#note,
      this.#result,
    );
  }

  /** `needs`: why the collector cannot copy stacks; undefined: it can. */
  show(needs: string | undefined, spawner: string | undefined): void {
    const isThere = needs === undefined;
    this.#tools.hidden = !isThere;
    this.#note.hidden = !isThere;
    this.#needs.hidden = isThere;
    setText(this.#needs, isThere ? '' : `${needs}. On the host, forktax sites shows it.`);
    if (spawner === this.#spawner) return;
    this.#spawner = spawner;
    this.#draw();
  }

  async #ask(): Promise<void> {
    if (this.#asking) return this.#asking.abort();
    const asking = new AbortController();
    this.#asking = asking;
    const seconds = Number(this.#seconds.value);
    setText(this.#button, 'Stop');
    setText(this.#note, `Copying call stacks for ${seconds} s…`);
    try {
      this.#answer = await fetchSites(seconds, asking.signal);
      this.#draw();
    } catch (error) {
      setText(this.#note, asking.signal.aborted ? 'Stopped.' : (error as Error).message);
    }
    this.#asking = undefined;
    setText(this.#button, 'Copy call stacks');
  }

  #draw(): void {
    if (!this.#answer) return;
    const weight = this.#weight.value as WeightName;
    const sites = this.#answer.sites.filter(({ comm }) => isOf(comm, this.#spawner));
    const root = flameTree(sites, weight);
    this.#result.hidden = sites.length === 0;
    this.#graph.draw(root, FORMATS[weight]);
    setText(this.#note, noteOf(this.#answer, sites));
    const ordered = sites.toSorted((a, b) => WEIGHTS[weight](b) - WEIGHTS[weight](a));
    const shown = ordered.slice(0, MAX_ROWS);
    const of = shown.length < ordered.length ? ` of ${formatCount(ordered.length)}` : '';
    setText(
      this.#caption,
      `${shown.length}${of} ${ordered.length === 1 ? 'call stack' : 'call stacks'}, those with most ${weight} first`,
    );
    setChildren(this.#body, shown.map(rowOf));
  }
}

function legend(): HTMLElement {
  const entry = (kind: string, text: string) => h('li', {}, h('span', { class: `flame-key ${kind}` }), text);
  return h(
    'ul',
    { class: 'legend flame-legend' },
    entry('spawner', 'spawner'),
    entry('code', 'program or library'),
    entry('script', 'line of a script'),
    entry('unknown', 'unknown'),
    h('li', { class: 'faint' }, 'Enter zooms, Escape goes back, arrows move'),
  );
}

const isOf = (comm: string, spawner: string | undefined): boolean =>
  spawner === undefined || spawner === comm || spawner.startsWith(`${comm} @`);

async function fetchSites(seconds: number, signal: AbortSignal): Promise<SitesAnswer> {
  const response = await fetch(`api/v1/sites?seconds=${seconds}`, { signal });
  if (!response.ok) throw new Error((await response.text()).trim());
  return response.json();
}

function noteOf(answer: SitesAnswer, sites: readonly Site[]): string {
  const sum = (value: (site: Site) => number) => sites.reduce((total, site) => total + value(site), 0);
  const spawns = sum((site) => site.spawns);
  const seconds = (answer.duration_ns / 1e9).toFixed(0);
  const unsampled = sum((site) => (site.end === 'not-sampled' ? site.spawns + site.failed_spawns : 0));
  const says = [
    `${formatCount(spawns)} spawns in ${seconds} s, callers stood still for ${formatDuration(sum((site) => site.stall_sum_ns))}.`,
  ];
  if (unsampled > 0)
    says.push(
      `${formatCount(unsampled)} have no stack: at most ${answer.stacks_per_second} a second are copied, of all spawners.`,
    );
  if (answer.events_lost > 0) says.push(`${formatCount(answer.events_lost)} events were lost, so spawns are missing.`);
  if (answer.scripts_lost > 0) says.push(`${formatCount(answer.scripts_lost)} lines of scripts were lost.`);
  if (answer.scripts_unheard !== undefined) says.push(`Lines of scripts are not shown: ${answer.scripts_unheard}.`);
  return says.join(' ');
}

function rowOf(site: Site): HTMLTableRowElement {
  const numbers = [
    formatCount(site.spawns),
    formatDuration(site.stall_sum_ns),
    formatDuration(site.avoidable_stall_ns),
    formatBytes(site.copied_rss_bytes),
  ];
  return h(
    'tr',
    {},
    h('th', { scope: 'row' }, printable(site.comm)),
    ...numbers.map((text) => h('td', {}, text)),
    h('td', { class: 'text stack' }, stackText(site)),
  );
}

function stackText({ frames, end }: Site): string {
  const shown = interestingFrames(frames.map(codeOf));
  const names = shown.slice(0, MAX_FRAMES).map((frame) => {
    const place = framePlace(frame);
    return place === '' ? frameName(frame) : `${frameName(frame)} (${place})`;
  });
  const left = shown.length - names.length;
  return printable(
    [...names, ...(left > 0 ? [`… ${left} more`] : []), ...(end === 'complete' ? [] : [`[${end}]`])].join(' ← '),
  );
}
