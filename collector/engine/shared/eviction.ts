/**
 * Makes room in a table that is nearly full, in both engines. Rows that were long unused leave it. What they held is
 * remembered here under their own names, and a row that comes back continues where it was: no counter ever goes back.
 */
import { addCosts, NO_COSTS } from '../../model/costs.ts';
import { EVICTED, rowKey, type CostRow } from '../../model/rows.ts';

/** From here on rows that were long unused leave the table. */
export function isNearlyFull(rows: number, capacity: number): boolean {
  return rows >= capacity * 0.9;
}

export class EvictedRows {
  /** The rows that left, the one that was away longest first. */
  readonly #rows = new Map<string, CostRow>();
  /** Sums of rows that had no place here, by mechanism and system call. */
  readonly #forgotten = new Map<string, CostRow>();
  readonly #capacity: number;

  /** @param tableCapacity rows of the table; twice as many are remembered here */
  constructor(tableCapacity: number) {
    this.#capacity = 2 * tableCapacity;
  }

  /** Takes what a row held in the table when it left. */
  add(row: CostRow): void {
    const key = rowKey(row);
    const before = this.#rows.get(key);
    this.#rows.delete(key);
    this.#rows.set(key, { ...row, ...(before && addCosts(before, row)), evicted: true });
    if (this.#rows.size > this.#capacity) this.#forgetOldest();
  }

  #forgetOldest(): void {
    const [oldest] = this.#rows;
    if (!oldest) return;
    const [key, row] = oldest;
    const { mechanism, syscall } = row;
    const sumKey = `${mechanism} ${syscall}`;
    const sum = this.#forgotten.get(sumKey);
    this.#forgotten.set(sumKey, {
      comm: EVICTED,
      mechanism,
      syscall,
      ...addCosts(row, sum ?? NO_COSTS),
      evicted: true,
    });
    this.#rows.delete(key);
  }

  /** Gives the rows of the table, each with what it held before it left last, and the rows that are not there now. */
  complete(table: readonly CostRow[]): CostRow[] {
    if (this.#rows.size === 0) return [...table];
    const away = new Map(this.#rows);
    const present = table.map((row) => {
      const key = rowKey(row);
      const before = away.get(key);
      if (!before) return row;
      away.delete(key);
      this.#touch(key, before);
      return { ...row, ...addCosts(before, row) };
    });
    return [...present, ...away.values(), ...this.#forgotten.values()];
  }

  /** What is in the table now is forgotten last: without what it held before, its counters would go back. */
  #touch(key: string, row: CostRow): void {
    this.#rows.delete(key);
    this.#rows.set(key, row);
  }
}
