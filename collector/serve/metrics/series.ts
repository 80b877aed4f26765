/** Makes series of the rows of a snapshot: one series for all rows with equal labels. */
import { EVICTED, OTHER, isSum, type CostRow, type FailureRow } from '../../model/rows.ts';
import type { Labels } from './family.ts';
import { specialValues, type IdLabels } from './id-labels.ts';

export interface Series {
  readonly labels: Labels;
  /** At least one. */
  readonly rows: readonly CostRow[];
}

export interface SeriesSet {
  /** Series that still count. */
  readonly live: readonly Series[];
  /**
   * Rows that no series of their own counts for any more: evicted ones, by mechanism and system call as far as those are
   * among the labels. The label `until` is still to come.
   */
  readonly evicted: readonly Series[];
}

/**
 * Gives the series of a metric that has these labels. If a cgroup is removed and created again, its two rows are one series.
 * An evicted row is part of a series that has its labels: otherwise that series would go back.
 */
export function seriesOf(rows: readonly CostRow[], names: readonly string[], idLabels?: IdLabels): SeriesSet {
  const live = new SeriesMap(names, idLabels);
  const evicted = new SeriesMap(names, idLabels);
  for (const row of rows) if (!row.evicted) live.add(row);
  for (const row of rows) if (row.evicted && !live.addToKnown(row)) evicted.add(row, { ...row, comm: EVICTED });
  return { live: live.series(), evicted: evicted.series() };
}

interface Known extends Series {
  readonly key: string;
  readonly rows: CostRow[];
}

class SeriesMap {
  readonly #names: readonly string[];
  readonly #idLabels: IdLabels | undefined;
  readonly #series = new Map<string, Known>();

  constructor(names: readonly string[], idLabels: IdLabels | undefined) {
    this.#names = names;
    this.#idLabels = idLabels;
  }

  /** `named` has the labels, if they are not those of the row. */
  add(row: CostRow, named = row): void {
    const key = this.#keyOf(named);
    const known = this.#series.get(key);
    if (known) known.rows.push(row);
    else this.#series.set(key, { key, labels: labelsOf(named, this.#names, this.#idLabels), rows: [row] });
  }

  addToKnown(row: CostRow): boolean {
    const known = this.#series.get(this.#keyOf(row));
    known?.rows.push(row);
    return known !== undefined;
  }

  /** In the order of their labels. */
  series(): readonly Series[] {
    const series = [...this.#series.values()];
    const isSorted = series.every(({ key }, i) => i === 0 || (series[i - 1]?.key ?? '') < key);
    return isSorted ? series : series.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** What `keyOf` gives for the labels of the row, which most rows need not have made. */
  #keyOf(row: CostRow): string {
    let key = '';
    for (const name of this.#names) key += `${fieldOf(row, name)}\0`;
    if (this.#idLabels) key += keyOf(labelsOfId(row, this.#idLabels));
    return key;
  }
}

/** Gives a text that is equal for equal labels of one metric. */
export function keyOf(labels: Labels): string {
  let key = '';
  for (const [, value] of labels) key += `${value}\0`;
  return key;
}

/** Sorts rows by what most labels are made of. Series of sorted rows are nearly sorted, which is cheap to complete. */
export function inOrder(rows: readonly CostRow[]): readonly CostRow[] {
  const sortable = rows.map((row) => [`${row.comm}\0${row.mechanism}\0${row.syscall}\0${row.id ?? ''}`, row] as const);
  return sortable.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

/** Gives the named labels of a row, and those of its id. */
export function labelsOf(row: CostRow | FailureRow, names: readonly string[], idLabels?: IdLabels): Labels {
  const labels = names.map((name) => [name, fieldOf(row, name)] as const);
  return idLabels ? [...labels, ...labelsOfId(row, idLabels)] : labels;
}

function fieldOf(row: CostRow | FailureRow, name: string): string {
  if (name === 'comm') return row.comm;
  if (name === 'syscall') return row.syscall;
  if (name === 'mechanism' && 'mechanism' in row) return row.mechanism;
  throw new TypeError(`a row has no label ${name}`);
}

/** Sums belong to no cgroup or process in particular. */
function labelsOfId(row: CostRow | FailureRow, idLabels: IdLabels): Labels {
  const special = isSum(row) ? row.comm : row.id === undefined ? OTHER : undefined;
  const values = special === undefined ? idLabels.valuesOf(row.id ?? '') : specialValues(idLabels, special);
  return idLabels.names.map((name, i) => [name, values[i] ?? ''] as const);
}
