import { absentColumns, type Hook } from '../model/hooks.ts';
import type { SpawnLine } from '../model/spawn-lines.ts';
import type { Output } from '../terminal/output.ts';
import { OUTCOME_COLUMN, SNOOP_COLUMNS, outcomeText, type SnoopColumn } from './columns.ts';
import { fitColumns, tableHeader, tableLine } from '../terminal/table.ts';

const OUTCOME_WIDTH = 20;
/** Where other columns follow it. */
const PLACED_OUTCOME: SnoopColumn = {
  ...OUTCOME_COLUMN,
  width: 32,
  align: 'left',
  cell: (line) => outcomeText(line, 32).slice(0, 32),
};

export interface TableOptions {
  /** Titles. Absent: those that fit the terminal. */
  readonly columns?: readonly string[] | undefined;
  /** Whether paths of cgroups are looked up. */
  readonly hasPaths?: boolean;
  /** Whether events carry the ancestors of spawners. */
  readonly hasAncestors?: boolean;
}

/** A table of the columns that the attached hooks feed and that fit the terminal. */
export class SnoopTable {
  readonly #columns: readonly SnoopColumn[];
  readonly #output: Output;
  readonly #hasOutcome: boolean;
  #width = 0;
  #fitting: readonly SnoopColumn[] = [];

  constructor(
    hooks: readonly Hook[],
    output: Output,
    { columns, hasPaths = false, hasAncestors = false }: TableOptions = {},
  ) {
    const absent = absentColumns(hooks);
    const isFed = ({ needs }: SnoopColumn): boolean => {
      if (needs === 'cgroupPaths') return hasPaths;
      if (needs === 'ancestors') return hasAncestors;
      return needs === undefined || !absent.has(needs);
    };
    this.#columns = (columns ? columnsOf(columns) : SNOOP_COLUMNS).filter(isFed);
    this.#hasOutcome = !columns || columns.at(-1) === OUTCOME_COLUMN.title;
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

/** Gives those that were asked for, in that order. EXEC is not among them where it is the last: then it takes the rest of the line. */
function columnsOf(titles: readonly string[]): SnoopColumn[] {
  return titles.flatMap((title, i) => {
    if (title === OUTCOME_COLUMN.title) return i === titles.length - 1 ? [] : [PLACED_OUTCOME];
    const { dropOrder: _dropOrder, ...column } = SNOOP_COLUMNS.find((each) => each.title === title) ?? {};
    return 'title' in column ? [column] : [];
  });
}

/** Whether the call itself failed, or every exec of its child. */
export function isFailure({ outcome }: SpawnLine): boolean {
  return outcome === 'spawn-failed' || outcome === 'exec-failed';
}
