import { absentColumns, type Hook } from '../engine/engine.ts';
import { errnoName } from '../errno.ts';
import { formatBytes, formatDuration } from '../ledger/format.ts';
import type { SpawnLine } from '../ledger/spawn-lines.ts';
import type { Output } from './output.ts';
import { fitColumns, tableHeader, tableLine, type Column } from './table.ts';
import { clock, cutStart, printable } from './text.ts';

const COLUMNS: readonly Column<SpawnLine>[] = [
  { title: 'TIME', width: 12, align: 'left', cell: ({ spawn }) => clock(spawn.atMs), dropOrder: 5 },
  { title: 'COMM', width: 15, align: 'left', cell: ({ spawn }) => printable(spawn.comm) },
  { title: 'PID', width: 7, align: 'right', cell: ({ spawn }) => `${spawn.pid}`, dropOrder: 1 },
  { title: 'MECH', width: 5, align: 'left', cell: ({ spawn }) => spawn.mechanism },
  {
    title: 'CALL',
    width: 6,
    align: 'left',
    cell: ({ spawn }) => (spawn.syscall === 'unknown' ? '-' : spawn.syscall),
    dropOrder: 7,
  },
  { title: 'STALL', width: 6, align: 'right', cell: ({ spawn }) => duration(spawn.stallNs) },
  { title: 'COPY', width: 6, align: 'right', cell: (line) => duration(copyNs(line)), dropOrder: 4 },
  { title: 'RSS', width: 7, align: 'right', cell: (line) => copiedRss(line), dropOrder: 2 },
  {
    title: 'CHILD',
    width: 7,
    align: 'right',
    cell: ({ spawn }) => ('child' in spawn ? `${spawn.child}` : '-'),
    dropOrder: 6,
  },
  { title: 'DELAY', width: 6, align: 'right', cell: ({ exec }) => duration(exec?.delayNs), dropOrder: 3 },
];
const OUTCOME = 'EXEC';
const OUTCOME_WIDTH = 20;

/** The columns that the attached hooks feed, and that the terminal has room for. */
export class SnoopTable {
  readonly #columns: readonly Column<SpawnLine>[];
  readonly #output: Output;
  #width = 0;
  #fitting: readonly Column<SpawnLine>[] = [];

  constructor(hooks: readonly Hook[], output: Output) {
    const absent = absentColumns(hooks);
    const titles = new Set<string>();
    if (absent.has('stall')) titles.add('STALL').add('COPY').add('CALL');
    if (absent.has('exec')) titles.add('DELAY');
    this.#columns = COLUMNS.filter(({ title }) => !titles.has(title));
    this.#output = output;
  }

  /** The header, when there is none yet, or none that fits since the terminal's width changed; otherwise ''. */
  header(): string {
    if (this.#width === this.#output.width) return '';
    this.#width = this.#output.width;
    this.#fitting = fitColumns(this.#columns, OUTCOME_WIDTH, this.#width);
    return `${this.#output.style('bold', `${tableHeader(this.#fitting)} ${OUTCOME}`)}\n`;
  }

  line(line: SpawnLine): string {
    const cells = tableLine(this.#fitting, line);
    const outcome = outcomeText(line, Math.max(OUTCOME_WIDTH / 2, this.#width - cells.length - 1));
    return `${cells} ${isFailure(line) ? this.#output.style('red', outcome) : outcome}\n`;
  }
}

/** Of the call itself, or of all that its child tried to exec. */
export function isFailure({ outcome }: SpawnLine): boolean {
  return outcome === 'spawn-failed' || outcome === 'exec-failed';
}

function outcomeText(line: SpawnLine, width: number): string {
  const { spawn, outcome, exec, exit, lastFailure, failedExecs } = line;
  if (spawn.kind === 'spawn-failure') return `call failed: ${errnoName(spawn.errno)}`;
  const errno = lastFailure ? errnoName(lastFailure.errno) : '';
  if (exec) return around('', exec.file, failedExecs > 0 ? ` after ${failedExecs} ${errno}` : '', width);
  if (outcome === 'exec-failed') return around(`${errno} `, lastFailure?.file ?? '', tries(failedExecs), width);
  if (outcome === 'no-exec') return `no exec, status ${exit?.status}`;
  return outcome === 'running' ? 'no exec yet' : '?';
}

function tries(count: number): string {
  return count > 1 ? ` in ${count} tries` : '';
}

function around(before: string, file: string, after: string, width: number): string {
  return `${before}${cutStart(printable(file), width - before.length - after.length)}${after}`;
}

function copyNs({ spawn }: SpawnLine): number | undefined {
  return spawn.kind === 'spawn' ? spawn.copyNs : undefined;
}

function copiedRss({ spawn }: SpawnLine): string {
  return spawn.kind === 'spawn' && spawn.copiedRssBytes > 0 ? formatBytes(spawn.copiedRssBytes) : '-';
}

function duration(ns: number | undefined): string {
  return ns === undefined ? '-' : formatDuration(ns);
}
