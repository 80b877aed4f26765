/** Makes series of the rows of a snapshot: one series, with its label text, for all rows with equal labels. */
import { EVICTED, OTHER, isSum, type CostRow, type FailureRow } from '../../model/rows.ts';
import { addCosts } from '../../model/costs.ts';
import { specialValues, type IdLabels } from './id-labels.ts';
import { label } from './text.ts';

export interface Series {
  readonly row: CostRow;
  /** The text of all labels. */
  readonly labels: string;
}

export interface SeriesSet {
  /** Series that still count, in the order of their labels. */
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
  const live = new Map<string, CostRow>();
  const evicted = new Map<string, CostRow>();
  for (const row of rows) if (!row.evicted) addTo(live, labelText(row, names, idLabels), row);
  for (const row of rows) {
    if (!row.evicted) continue;
    const own = labelText(row, names, idLabels);
    if (live.has(own)) addTo(live, own, row);
    else addTo(evicted, labelText({ ...row, comm: EVICTED }, names, idLabels), row);
  }
  return { live: inOrder(live), evicted: inOrder(evicted) };
}

function addTo(series: Map<string, CostRow>, labels: string, row: CostRow): void {
  const before = series.get(labels);
  series.set(labels, before ? mergeRows(before, row) : row);
}

function inOrder(series: ReadonlyMap<string, CostRow>): Series[] {
  return Array.from(series, ([labels, row]) => ({ row, labels })).toSorted((a, b) => (a.labels < b.labels ? -1 : 1));
}

function mergeRows(a: CostRow, b: CostRow): CostRow {
  const slowest = (a.slowest?.stallNs ?? 0) >= (b.slowest?.stallNs ?? 0) ? a.slowest : b.slowest;
  return { ...a, ...addCosts(a, b), ...(slowest && { slowest }) };
}

/** Gives the text of the named labels of a row and of its id. */
export function labelText(row: CostRow | FailureRow, names: readonly string[], idLabels?: IdLabels): string {
  const texts = names.map((name) => label(name, fieldOf(row, name)));
  if (idLabels) texts.push(...idTexts(row, idLabels));
  return texts.join(',');
}

function fieldOf(row: CostRow | FailureRow, name: string): string {
  if (name === 'comm') return row.comm;
  if (name === 'syscall') return row.syscall;
  if (name === 'mechanism' && 'mechanism' in row) return row.mechanism;
  throw new TypeError(`a row has no label ${name}`);
}

/** Sums belong to no cgroup or process in particular. */
function idTexts(row: CostRow | FailureRow, idLabels: IdLabels): string[] {
  const special = isSum(row) ? row.comm : row.id === undefined ? OTHER : undefined;
  const values = special === undefined ? idLabels.valuesOf(row.id ?? '') : specialValues(idLabels, special);
  return idLabels.names.map((name, i) => label(name, values[i] ?? ''));
}
