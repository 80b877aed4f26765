import { absentColumns, type Hook } from '../model/hooks.ts';
import type { SpawnLine } from '../model/spawn-lines.ts';
import type { Output } from '../terminal/output.ts';
import { OUTCOME_COLUMN, SNOOP_COLUMNS, outcomeText, type SnoopColumn } from './columns.ts';
import { fitColumns, tableHeader, tableLine } from '../terminal/table.ts';

const OUTCOME_WIDTH = 20;

export interface TableOptions {
  /** Titles. Absent: those that fit the terminal. */
  readonly columns?: readonly string[] | undefined;
  /** Whether paths of cgroups are looked up. */
  readonly hasPaths?: boolean;
}

/** A table of the columns that the attached hooks feed and that fit the terminal. */
export class SnoopTable {
  readonly #columns: readonly SnoopColumn[];
  readonly #output: Output;
  readonly #hasOutcome: boolean;
  #width = 0;
  #fitting: readonly SnoopColumn[] = [];

  constructor(hooks: readonly Hook[], output: Output, { columns, hasPaths = false }: TableOptions = {}) {
    const absent = absentColumns(hooks);
    const isFed = ({ needs }: SnoopColumn): boolean =>
      needs === undefined || (needs === 'cgroupPaths' ? hasPaths : !absent.has(needs));
    const wanted = columns?.flatMap((title) => SNOOP_COLUMNS.find((column) => column.title === title) ?? []);
    this.#columns = (wanted?.map(({ dropOrder: _dropOrder, ...column }) => column) ?? SNOOP_COLUMNS).filter(isFed);
    this.#hasOutcome = columns?.includes(OUTCOME_COLUMN.title) ?? true;
    this.#output = output;
  }

  /** Gives the header if none was printed yet or the width of the terminal has changed; otherwise ''. */
  header(): string {
    if (this.#width === this.#output.width) return '';
    this.#width = this.#output.width;
    this.#fitting = fitColumns(this.#columns, OUTCOME_WIDTH, this.#width);
    return `${this.#output.style('bold', `${tableHeader(this.#fitting)}${this.#hasOutcome ? ` ${OUTCOME_COLUMN.title}` : ''}`)}\n`;
  }

  line(line: SpawnLine): string {
    const cells = tableLine(this.#fitting, line);
    if (!this.#hasOutcome) return `${cells}\n`;
    const room = Math.max(OUTCOME_WIDTH / 2, this.#width - cells.length - 1);
    const outcome = outcomeText(line, room).slice(0, room);
    return `${cells} ${isFailure(line) ? this.#output.style('red', outcome) : outcome}\n`;
  }
}

/** Whether the call itself failed, or every exec of its child. */
export function isFailure({ outcome }: SpawnLine): boolean {
  return outcome === 'spawn-failed' || outcome === 'exec-failed';
}
