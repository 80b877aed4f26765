/**
 * Dates the series that hold the costs of evicted rows. Such a series never changes: when its value would, it ends, and one
 * with a later date begins with the new value. increase() and rate() see no step in either, and every sum over all series
 * is whole.
 */
import { COST_COLUMNS, type CostColumnName } from '../../model/columns.ts';
import type { CostRow } from '../../model/rows.ts';
import type { Labels } from './family.ts';
import { keyOf, type Series } from './series.ts';

const COLUMNS = Object.keys(COST_COLUMNS) as CostColumnName[];

export class EvictionClock {
  #shown = '';
  #untilMs = 0;

  /** Gives the label `until` for these series, the evicted ones of all metrics of one reading. */
  until(evicted: readonly Series[], atMs: number): Labels[number] {
    const shown = evicted.map(({ labels, rows }) => keyOf(labels) + rows.map(figuresOf).join(' ')).join('\n');
    if (shown !== this.#shown) this.#untilMs = Math.max(Math.round(atMs), this.#untilMs + 1);
    this.#shown = shown;
    return ['until', new Date(this.#untilMs).toISOString()];
  }
}

/** A histogram that changes has another sum, or the row another number of spawns: its many counts are not compared. */
function figuresOf(row: CostRow): string {
  let text = '';
  for (const column of COLUMNS) {
    const value = row[column];
    text += `${typeof value === 'number' ? value : value.sum},`;
  }
  return text;
}
