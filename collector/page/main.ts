/** The page: state in the hash, points from the collector, views that show both. */
import 'uplot/dist/uPlot.min.css';
import './page.css';
import { formatBytes, formatCount, formatDuration } from '../terminal/format.ts';
import { Chart, timeOfDay } from './chart.ts';
import { Controls } from './controls.ts';
import { h, setText } from './dom.ts';
import { Failures } from './failures.ts';
import { HealthView, verdict } from './health.ts';
import { HeatMap } from './heat-map.ts';
import { addTo, emptySums, Seen, stallQuantile, sumUp, type CountName, type Point, type Row } from './history.ts';
import { linesOf } from './lines.ts';
import { poll } from './poll.ts';
import { Sites } from './sites.ts';
import { SlowSpawns } from './slow-spawns.ts';
import { rate, Spawners } from './spawners.ts';
import { formatState, parseState, RANGES, type State } from './state.ts';

const seen = new Seen();
let state = parseState(location.hash);
let trouble: string | undefined;

function change(changed: Partial<State> | ((state: State) => State)): void {
  state = typeof changed === 'function' ? changed(state) : { ...state, ...changed };
  const hash = formatState(state);
  // A spawner is a place to come back from; other changes are none.
  if (parseState(location.hash).spawner === state.spawner) history.replaceState(null, '', hash);
  else history.pushState(null, '', hash);
  show();
}

const open = (spawner: string) => {
  change({ spawner });
  title.focus();
};
const withoutSpawner = ({ spawner: _spawner, ...rest }: State): State => rest;
const togglePause = ({ end, ...rest }: State): State => (end === undefined ? { ...rest, end: nowMs() } : rest);

const title = h('h2', { tabindex: '-1' });
const tiles = h('dl', { class: 'tiles' });
const controls = new Controls({
  onRange: (range) => change({ range }),
  onPause: () => change(togglePause),
  onBack: () => change(withoutSpawner),
});
const perSecond = (value: number) => `${rate(value)}/s`;
const stallPerSecond = (ns: number) => (ns === 0 ? '0' : `${formatDuration(ns)}/s`);
const bytesPerSecond = (bytes: number) => (bytes === 0 ? '0' : `${formatBytes(bytes)}/s`);
const charts: readonly (readonly [name: CountName, group: string, chart: Chart])[] = [
  ['spawns', 'spawns', new Chart({ title: 'Spawns', format: perSecond, onOpen: openLine })],
  ['stallNs', 'stall', new Chart({ title: 'Stall', format: stallPerSecond, onOpen: openLine })],
  ['copiedBytes', 'spawns', new Chart({ title: 'Copied memory', format: bytesPerSecond, onOpen: openLine })],
  ['cowFaults', 'faults', new Chart({ title: 'Copy-on-write faults', format: perSecond, onOpen: openLine })],
];
const heatMap = new HeatMap();
const spawners = new Spawners({
  onSort: (sort) => change({ sort }),
  onFilter: (filter) => change({ filter }),
  onOpen: open,
});
const slowSpawns = new SlowSpawns((slow) => change({ slow }));
const sites = new Sites();
const failures = new Failures();
const health = new HealthView();

/** Charts name spawners by what people call them. */
function openLine(label: string): void {
  const key = [...new Set(seen.points.flatMap(({ rows }) => rows.map((row) => row.key)))].find(
    (one) => labelOf(one) === label,
  );
  if (key !== undefined && state.spawner === undefined) open(key);
}

/** A cgroup by its unit, container or path. */
function labelOf(key: string): string {
  const at = key.lastIndexOf(' @');
  const cgroup = at === -1 ? undefined : seen.latest?.cgroups?.[key.slice(at + 2)];
  if (!cgroup) return key;
  const pod = cgroup.kubernetes && `${cgroup.kubernetes.namespace}/${cgroup.kubernetes.pod}`;
  return `${key.slice(0, at)} @${pod ?? cgroup.unit ?? cgroup.container?.id.slice(0, 12) ?? cgroup.cgroup}`;
}

const nowMs = () => seen.points.at(-1)?.atMs ?? Date.now();

function show(): void {
  showStatus();
  controls.show(state);
  const { latest } = seen;
  if (!latest) return;
  const end = state.end ?? nowMs();
  const points = seen.within(end - RANGES[state.range] * 1000, end);
  const isShown = (row: Pick<Row, 'key'>) => state.spawner === undefined || row.key === state.spawner;
  const bounds = latest.stall_bounds_ns;
  const absent = new Map<string, string>(latest.absent.map(({ column, reason }) => [column, reason]));
  const seconds = points.reduce((sum, { spanMs }) => sum + spanMs, 0) / 1000;
  const one = state.spawner;
  const groupOf = (row: Pick<Row, 'key'> & { mechanism?: string }) =>
    one === undefined ? row.key : (row.mechanism ?? 'exec or spawn failed');
  const groups = sumUp(
    points.map((point) => only(point, isShown)),
    groupOf,
  );
  setText(title, `${one === undefined ? 'All spawners' : labelOf(one)}: ${spanText(points)}`);
  document.title = one === undefined ? 'forktax' : `${labelOf(one)} – forktax`;
  showTiles([...groups.values()], bounds, seconds);
  for (const [name, group, chart] of charts) {
    const { times, lines } = linesOf({ points, name, isShown, groupOf, labelOf, canOpen: one === undefined });
    chart.draw(times, lines, absent.get(group));
  }
  heatMap.draw(points, isShown, bounds, absent.get('stall'));
  spawners.show({ groups, bounds, seconds, labelOf, state });
  slowSpawns.show(state.slow, one);
  sites.show(latest.sites.needs, one);
  failures.show(points, labelOf, one);
  health.show(seen);
}

function only(point: Point, isShown: (row: Pick<Row, 'key'>) => boolean): Point {
  return { ...point, rows: point.rows.filter(isShown), failures: point.failures.filter(isShown) };
}

function showStatus(): void {
  const status = document.querySelector('#status');
  if (!status) return;
  const { latest } = seen;
  const isPaused = state.end !== undefined;
  const told = latest ? verdict(latest) : { text: 'Loading…', isBad: false };
  const text = trouble === undefined ? told.text : `Cannot reach the collector, trying again: ${trouble}`;
  setText(status, isPaused ? `Paused. ${text}` : text);
  status.classList.toggle('bad', trouble !== undefined || told.isBad);
}

function spanText(points: readonly Point[]): string {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return 'nothing in this range yet';
  return `${timeOfDay((first.atMs - first.spanMs) / 1000)} to ${timeOfDay(last.atMs / 1000)}`;
}

function showTiles(all: readonly ReturnType<typeof emptySums>[], bounds: readonly number[], seconds: number): void {
  const sums = emptySums();
  for (const one of all) addTo(sums, one);
  const failed = all.reduce((sum, one) => sum + one.failures, 0);
  const orDash = (value: number | null | undefined, format: (value: number) => string) =>
    value === null || value === undefined ? '–' : format(value);
  const values: Readonly<Record<string, string>> = {
    spawns: orDash(sums.spawns, formatCount),
    'a second': orDash(sums.spawns, (spawns) => (seconds > 0 ? rate(spawns / seconds) : '–')),
    stall: orDash(sums.stallNs, formatDuration),
    'stall p50': orDash(stallQuantile(sums, bounds, 0.5), formatDuration),
    'stall p99': orDash(stallQuantile(sums, bounds, 0.99), formatDuration),
    avoidable: orDash(sums.avoidableStallNs, formatDuration),
    copied: orDash(sums.copiedBytes, formatBytes),
    'CoW faults': orDash(sums.cowFaults, formatCount),
    failures: formatCount(failed),
  };
  for (const [name, value] of Object.entries(values)) {
    const place = tiles.querySelector(`[data-name="${name}"]`);
    if (place) setText(place, value);
    else tiles.append(h('div', {}, h('dt', {}, name), h('dd', { 'data-name': name }, value)));
  }
}

function build(): void {
  document.querySelector('#controls')?.append(...controls.elements);
  const overview = h('section', { class: 'wide' }, title, tiles);
  const views = [
    ...charts.slice(0, 2).map(([, , chart]) => chart),
    spawners,
    heatMap,
    slowSpawns,
    sites,
    ...charts.slice(2).map(([, , chart]) => chart),
    failures,
    health,
  ];
  document.querySelector('#main')?.replaceChildren(overview, ...views.map(({ element }) => element));
  const links = ['metrics', 'api/v1/costs', 'api/v1/history', 'api/v1/schema', '-/ready'];
  const footer = document.querySelector('#footer');
  footer?.append('Also here: ', ...links.flatMap((path) => [h('a', { href: path }, `/${path}`), ' ']));
}

build();
show();
addEventListener('hashchange', onPlace);
addEventListener('popstate', onPlace);
document.addEventListener('visibilitychange', () => slowSpawns.setVisible(!document.hidden));
poll({
  next: () => seen.next,
  onAnswer: (answer) => {
    trouble = undefined;
    seen.add(answer);
    show();
  },
  onTrouble: (message) => {
    trouble = message;
    show();
  },
});

function onPlace(): void {
  state = parseState(location.hash);
  show();
}
