/** Writes the results as the tables of docs/overhead.md. */
import { cpus, release, totalmem } from 'node:os';
import { readFileSync } from 'node:fs';
import type { CollectorCost } from './collector-cost.ts';
import type { Compared } from './comparison.ts';
import { FIGURES, type FigureName } from './loads.ts';
import type { ProbeCost, Watcher } from './probe-cost.ts';
import type { ScrapeCost } from './scrape-cost.ts';
import type { StackCost } from './stack-cost.ts';
import type { Summary } from './statistics.ts';

export interface Results {
  readonly probes: readonly ProbeCost[];
  readonly compared: readonly Compared[];
  readonly collectors: readonly CollectorCost[];
  readonly scrapes: readonly ScrapeCost[];
  readonly stacks: readonly StackCost[];
}

export function markdownOf({ probes, compared, collectors, scrapes, stacks }: Results): string {
  return [
    machine(),
    '### BPF, by the kernel’s own statistics',
    probeTable(probes),
    '### The copy of a stack, for `forktax sites`',
    stackTable(stacks),
    '### The spawner, watched and not',
    comparisonTable(compared),
    ...compared.flatMap(({ tool, unavailable }) =>
      unavailable === undefined ? [] : [`${tool} could not run here: \`${unavailable}\``],
    ),
    '### The collector',
    collectorTable(collectors),
    '### A scrape',
    scrapeTable(scrapes),
  ].join('\n\n');
}

export function machine(): string {
  const system = /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux';
  const cpuinfo = readFileSync('/proc/cpuinfo', 'utf8');
  const virtual = /^flags\s*:.*\bhypervisor\b/m.test(cpuinfo) ? ', a virtual machine' : '';
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const day = new Date().toISOString().slice(0, 10);
  return `${day}, ${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}, ${memory}${virtual}; Linux ${release()}, ${system}, Node.js ${process.version}.`;
}

type Cell = string | number;

export function table(titles: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]): string => `| ${cells.join(' | ')} |`;
  return [line(titles), line(titles.map((_, i) => (i === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n');
}

/** Gives three significant digits. */
const digits = (value: number): string =>
  Number.isFinite(value) ? String(value >= 100 ? Math.round(value) : Number(value.toPrecision(3))) : '–';

const middle = ({ median, low, high }: Summary): string => `${digits(median)} (${digits(low)}–${digits(high)})`;

function probeTable(probes: readonly ProbeCost[]): string {
  const rows = probes.map((each) => [
    watcherName(each.watcher),
    middle(each.posixSpawnNs),
    middle(each.forkNs),
    middle(each.childFaultNs),
    middle(each.otherFaultNs),
    each.systemCallNs.median > 0 ? middle(each.systemCallNs) : '–',
    each.forkNs.runs,
  ]);
  const titles = ['a posix_spawn', 'a fork', 'a page fault of its child', 'any other page fault', 'any system call'];
  return table(['engine, and how it sees the calls', ...titles.map((title) => `${title}, ns`), 'n'], rows);
}

function watcherName(watcher: Watcher): string {
  if (watcher === 'empty') return 'programs that do nothing';
  return watcher === 'bpftrace' ? 'bpftrace, the engine' : `core, ${watcher}`;
}

function stackTable(costs: readonly StackCost[]): string {
  const rows = costs.map(({ bytes, copiedBytes, spawnNs, copyNs }) => [
    bytes === 0 ? 'none' : `up to ${bytes / 1024} KiB`,
    bytes === 0 ? '–' : (copiedBytes / 1024).toFixed(1),
    middle(spawnNs),
    bytes === 0 ? '–' : middle(copyNs),
    spawnNs.runs,
  ]);
  return table(['stack', 'copied, KiB', 'BPF for a vfork, ns', 'of it the copy, ns', 'n'], rows);
}

/** Gives the values of the first tool, which is "nothing", and for the others the ratios to it in the same round. */
function comparisonTable(compared: readonly Compared[]): string {
  const names = Object.keys(FIGURES) as FigureName[];
  const rows = compared
    .filter(({ unavailable }) => unavailable === undefined)
    .map(({ tool, values, ratios }, i) => {
      const cells: Cell[] = names.map((name) => (i === 0 ? middle(values[name]) : ratio(ratios[name])));
      return [tool].concat(cells.map(String), String(values.fullSpeed.runs));
    });
  const titles = names.map((name) => `${FIGURES[name].name}, ${FIGURES[name].unit}`);
  return table(['watched by', ...titles, 'n'], rows);
}

export const ratio = ({ median, low, high }: Summary): string =>
  `× ${median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;

function collectorTable(costs: readonly CollectorCost[]): string {
  const rows = costs.flatMap(({ tool, restCpuPercent, rest, fullCpuPercent, full, spawnsPerSecond, eventsLost }) => [
    [tool, 'at rest', digits(restCpuPercent), digits(rest.resident), digits(rest.private), '–'],
    [
      tool,
      `${Math.round(spawnsPerSecond)} spawns/s, scraped every second`,
      digits(fullCpuPercent),
      digits(full.resident),
      digits(full.private),
      String(eventsLost),
    ],
  ]);
  return table(['', '', 'processor, % of one', 'resident, MiB', 'of it private, MiB', 'events lost'], rows);
}

function scrapeTable(scrapes: readonly ScrapeCost[]): string {
  const titles = [
    'format',
    'KiB',
    'with gzip, KiB',
    'render, ms of CPU',
    'whole, ms',
    'with gzip, ms',
    'longest block, ms',
  ];
  const rows = scrapes.map((each) => [
    each.rows,
    each.format,
    Math.round(each.bytes / 1024),
    Math.round(each.gzipBytes / 1024),
    digits(each.renderCpuMs),
    digits(each.plainMs),
    digits(each.gzipMs),
    digits(each.blockedMs),
  ]);
  return table(['rows', ...titles], rows);
}
