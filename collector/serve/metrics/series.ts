/** Makes series of the rows of a snapshot: one series, with its label text, for all rows with equal labels. */
import { OTHER, type CostRow, type FailureRow } from '../../model/rows.ts';
import type { RowLabel } from '../../model/options.ts';
import { addCosts } from '../../model/costs.ts';
import { ROW_LABELS } from './descriptors.ts';
import { label } from './text.ts';

/** The name of the label for the engine's `id`, and its value for an id. */
export interface IdLabel {
  readonly name: Exclude<RowLabel, 'none'>;
  readonly valueOf: (id: string) => string;
}

export interface Series {
  readonly row: CostRow;
  /** The text of comm, mechanism, syscall and id, which most metrics have. */
  readonly labels: string;
}

/** Gives series in the order of their labels. If a cgroup is removed and created again, its two rows are one series. */
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

/** Gives the text of the named labels of a row and of its id. */
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

/** Gives the value of the id label. Folded rows belong to no cgroup or process in particular. */
function idOf(row: CostRow | FailureRow, idLabel: IdLabel): string {
  return row.comm === OTHER || row.id === undefined ? OTHER : idLabel.valueOf(row.id);
}
