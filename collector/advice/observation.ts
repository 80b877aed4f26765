import type { ColumnGroup } from '../model/columns.ts';
import type { RowLabel } from '../model/options.ts';
import type { CostRow } from '../model/rows.ts';
import { ForktaxError } from '../model/errors.ts';
import type { ExaminedSpawner } from './examine-spawner.ts';

/** Spawn costs, and access to the spawners that caused them. */
export interface Observation {
  readonly rows: readonly CostRow[];
  /** How long the observation took; absent means since the collector started. */
  readonly ns?: number;
  /** Gives the spawner of a row, or the one of its longest stall if the row is of several. */
  readonly spawnerOf: (row: CostRow) => ExaminedSpawner | undefined;
  readonly eventsLost: number;
  /** With `pid`, each row is of one process. */
  readonly label: RowLabel;
}

/** @throws FORKTAX_NO_HOOK: avoidable stall cannot be measured */
export function requireStalls(absent: ReadonlyMap<ColumnGroup, string>): void {
  const reason = absent.get('stall') ?? absent.get('exec');
  if (reason !== undefined) throw new ForktaxError('FORKTAX_NO_HOOK', `avoidable stall cannot be measured: ${reason}`);
}
