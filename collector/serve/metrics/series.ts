/** From the rows of a snapshot to series: label text, and one series for all rows with equal labels. */
import { OTHER, type CostRow, type FailureRow } from '../../model/rows.ts';
import type { RowLabel } from '../../model/options.ts';
import { addCosts } from '../../model/costs.ts';
import { ROW_LABELS } from './descriptors.ts';
import { label } from './text.ts';

/** The label that the engine's `id` becomes, if any, and its value for an id. */
export interface IdLabel {
  readonly name: Exclude<RowLabel, 'none'>;
  readonly valueOf: (id: string) => string;
}

export interface Series {
  readonly row: CostRow;
  /** Of comm, mechanism, syscall and id: what most metrics have. */
  readonly labels: string;
}

/** In order of their labels. Two cgroups of one path, one after the other, are two rows and one series. */
export function seriesOf(rows: readonly CostRow[], idLabel?: IdLabel): Series[] {
  const series = new Map<string, CostRow>();
  for (const row of rows) {
    const labels = labelText(row, ROW_LABELS, idLabel);
    const before = series.get(labels);
    series.set(labels, before ? mergeRows(before, row) : row);
  }
  return Array.from(series, ([labels, row]) => ({ row, labels })).toSorted((a, b) => (a.labels < b.labels ? -1 : 1));
}

function mergeRows(a: CostRow, b: CostRow): CostRow {
  const slowest = (a.slowest?.stallNs ?? 0) >= (b.slowest?.stallNs ?? 0) ? a.slowest : b.slowest;
  return { ...a, ...addCosts(a, b), ...(slowest && { slowest }) };
}

/** The named labels of a row, and its id's. */
export function labelText(row: CostRow | FailureRow, names: readonly string[], idLabel?: IdLabel): string {
  const texts = names.map((name) => label(name, fieldOf(row, name)));
  if (idLabel) texts.push(label(idLabel.name, idOf(row, idLabel)));
  return texts.join(',');
}

function fieldOf(row: CostRow | FailureRow, name: string): string {
  if (name === 'comm') return row.comm;
  if (name === 'syscall') return row.syscall;
  if (name === 'mechanism' && 'mechanism' in row) return row.mechanism;
  throw new TypeError(`a row has no label ${name}`);
}

/** What was folded is of no cgroup or process in particular. */
function idOf(row: CostRow | FailureRow, idLabel: IdLabel): string {
  return row.comm === OTHER || row.id === undefined ? OTHER : idLabel.valueOf(row.id);
}
