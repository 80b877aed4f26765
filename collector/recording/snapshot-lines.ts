/** Snapshots as lines of a recording. A line has the rows that changed since the line before, each with all its values. */
import { HISTOGRAM_BOUNDS } from '../model/bounds.ts';
import { COST_COLUMNS } from '../model/columns.ts';
import { eachColumn } from '../model/costs.ts';
import { emptyHistogram, type Histogram } from '../model/histogram.ts';
import { rowKey, type CostRow, type FailureRow } from '../model/rows.ts';
import type { Health, Snapshot } from '../model/snapshot.ts';

export const SNAPSHOT_KIND = 'snapshot';

/** A histogram's sum, and the number of each slot that counted with its count, one after the other. */
type SparseHistogram = readonly number[];

interface SnapshotRecord {
  readonly atMs: number;
  readonly health: Health;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** Keys of rows that are gone. */
  readonly gone?: readonly string[];
  readonly failures?: readonly FailureRow[];
}

/** Writes each snapshot as what differs from the one before. */
export class SnapshotEncoder {
  #rows = new Map<string, string>();
  #failures = '[]';

  encode({ atMs, health, rows, failures }: Snapshot): string {
    const now = new Map(rows.map((row) => [rowKey(row), JSON.stringify(sparse(row))]));
    const changed = [...now].filter(([key, text]) => this.#rows.get(key) !== text).map(([, text]) => text);
    const gone = [...this.#rows.keys()].filter((key) => !now.has(key));
    const failuresText = JSON.stringify(failures);
    const parts = [
      `"atMs":${atMs}`,
      `"health":${JSON.stringify(health)}`,
      `"rows":[${changed.join()}]`,
      ...(gone.length > 0 ? [`"gone":${JSON.stringify(gone)}`] : []),
      ...(failuresText === this.#failures ? [] : [`"failures":${failuresText}`]),
    ];
    this.#rows = now;
    this.#failures = failuresText;
    return `["${SNAPSHOT_KIND}",{${parts.join()}}]`;
  }
}

/** Puts the snapshots together again. */
export class SnapshotDecoder {
  readonly #rows = new Map<string, CostRow>();
  #failures: readonly FailureRow[] = [];

  /** @throws TypeError when the line is not a snapshot */
  decode(line: readonly unknown[]): Snapshot {
    const { atMs, health, rows, gone = [], failures } = line[1] as SnapshotRecord;
    for (const key of gone) this.#rows.delete(key);
    for (const record of rows) {
      const row = dense(record);
      this.#rows.set(rowKey(row), row);
    }
    if (failures) this.#failures = failures;
    return { atMs, health: { ...health }, rows: [...this.#rows.values()], failures: this.#failures, programs: [] };
  }
}

function sparse(row: CostRow): Readonly<Record<string, unknown>> {
  const values = eachColumn<Record<string, unknown>>(({ name, kind }) =>
    kind === 'counter' ? row[name] : sparseHistogram(row[name] as Histogram),
  );
  return { ...row, ...values };
}

function sparseHistogram({ sum, counts }: Histogram): SparseHistogram {
  const used = Array.from(counts, (count, slot) => [slot, count] as const).filter(([, count]) => count > 0);
  return [sum, ...used.flat()];
}

/** Columns that the recording lacks are zero; its hooks say that they were not measured. */
function dense(record: Readonly<Record<string, unknown>>): CostRow {
  const values = eachColumn<Record<string, unknown>>(({ name, kind }) =>
    kind === 'counter' ? (record[name] ?? 0) : denseHistogram((record[name] ?? [0]) as SparseHistogram, name),
  );
  return { ...(record as unknown as CostRow), ...values };
}

function denseHistogram([sum = 0, ...used]: SparseHistogram, name: keyof typeof COST_COLUMNS): Histogram {
  const { kind } = COST_COLUMNS[name];
  const counts = kind === 'counter' ? [] : Array.from(emptyHistogram(HISTOGRAM_BOUNDS[kind]).counts);
  for (let i = 0; i + 1 < used.length; i += 2) {
    const slot = used[i] ?? -1;
    if (slot in counts) counts[slot] = used[i + 1] ?? 0;
  }
  return { sum, counts };
}
