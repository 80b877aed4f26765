/**
 * Dates the series that hold the costs of evicted rows. Such a series never changes: when its value would, it ends, and one
 * with a later date begins with the new value. increase() and rate() see no step in either, and every sum over all series
 * is whole.
 */
import type { Labels } from './family.ts';
import type { Series } from './series.ts';

export class EvictionClock {
  #shown = '';
  #untilMs = 0;

  /** Gives the label `until` for these series, the evicted ones of all metrics of one reading. */
  until(evicted: readonly Series[], atMs: number): Labels[number] {
    const shown = JSON.stringify(evicted);
    if (shown !== this.#shown) this.#untilMs = Math.max(Math.round(atMs), this.#untilMs + 1);
    this.#shown = shown;
    return ['until', new Date(this.#untilMs).toISOString()];
  }
}
