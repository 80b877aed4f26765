/**
 * A cost table in user space, for engines whose source gives events. Like the table of the core engine in the kernel
 * (`probes/table.bpf.h`), it is bounded, folds costs that find no row, and counts what it loses.
 */
import { OTHER, type CostKey, type CostRow, type FailureRow, type SlowestSpawn } from '../../model/rows.ts';
import { HISTOGRAM_BOUNDS } from '../../model/bounds.ts';
import { slotOf, type Histogram } from '../../model/histogram.ts';
import type { ColumnKind, CostColumnName } from '../../model/columns.ts';
import { eachColumn, type Costs } from '../../model/costs.ts';
import { EvictedRows, isNearlyFull } from '../shared/eviction.ts';
import { probeConstant } from '../shared/probe-constants.ts';

class GrowingHistogram implements Histogram {
  readonly counts: number[];
  sum = 0;
  readonly #bounds: readonly number[];

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    const slot = slotOf(this.#bounds, value);
    this.counts[slot] = (this.counts[slot] ?? 0) + 1;
    this.sum += value;
  }

  copy(): Histogram {
    return { counts: [...this.counts], sum: this.sum };
  }
}

/** The charges of a row, by column. */
type Charges = {
  -readonly [Name in CostColumnName]: ColumnKind<Name> extends 'counter' ? number : GrowingHistogram;
};

/** A row that can be charged. */
export class ChargedRow {
  readonly charges = eachColumn<Charges>(({ kind }) =>
    kind === 'counter' ? 0 : new GrowingHistogram(HISTOGRAM_BOUNDS[kind]),
  );
  readonly #slowestForMs = probeConstant('SLOWEST_FOR_SECONDS') * 1000;
  slowest: SlowestSpawn | undefined;
  lastUsedMs = 0;

  /** Charges a spawn when its stall and the exec of its child are both known. */
  chargeExecStall(stallNs: number, aforkCostNs: number): void {
    this.charges.execStalls++;
    this.charges.execStallNs += stallNs;
    this.charges.avoidableStallNs += Math.max(0, stallNs - aforkCostNs);
  }

  noteSlowest(spawn: SlowestSpawn): void {
    const { slowest } = this;
    if (slowest && spawn.stallNs < slowest.stallNs && spawn.atMs - slowest.atMs < this.#slowestForMs) return;
    this.slowest = spawn;
  }

  costs(): Costs {
    return eachColumn(({ name }) => {
      const charged = this.charges[name];
      return typeof charged === 'number' ? charged : charged.copy();
    });
  }
}

export class CostTable {
  readonly #capacity: number;
  readonly #failureCapacity = probeConstant('FAILURES');
  readonly #idleMs: number;
  readonly #rows = new Map<string, { readonly key: CostKey; readonly row: ChargedRow }>();
  readonly #others = new Map<string, { readonly key: CostKey; readonly row: ChargedRow }>();
  readonly #evicted: EvictedRows;
  readonly #failures = new Map<string, { readonly key: Omit<FailureRow, 'count'>; count: number }>();
  readonly #otherFailures = new Map<string, { readonly key: Omit<FailureRow, 'count'>; count: number }>();
  rowsFolded = 0;
  rowsEvicted = 0;
  failuresFolded = 0;

  constructor({ maxSpawners, idleMs }: { readonly maxSpawners: number; readonly idleMs: number }) {
    this.#capacity = maxSpawners;
    this.#evicted = new EvictedRows(maxSpawners);
    this.#idleMs = idleMs;
  }

  get size(): number {
    return this.#rows.size;
  }

  /** Gives the row of a key, or the row of `(other)` while the table is full. `nowMs` 0 does not count as use. */
  rowOf(key: CostKey, nowMs: number): ChargedRow {
    const name = JSON.stringify([key.comm, key.mechanism, key.syscall, key.id]);
    const known = this.#rows.get(name);
    const row = known?.row ?? (this.#rows.size < this.#capacity ? add(this.#rows, name, key) : this.#other(key));
    if (nowMs > 0) row.lastUsedMs = nowMs;
    return row;
  }

  #other({ mechanism, syscall }: CostKey): ChargedRow {
    const name = otherName(mechanism, syscall);
    this.rowsFolded++;
    return this.#others.get(name)?.row ?? add(this.#others, name, { comm: OTHER, mechanism, syscall });
  }

  countFailure(key: Omit<FailureRow, 'count'>): void {
    const name = JSON.stringify([key.kind, key.comm, key.syscall, key.id, key.errno]);
    if (this.#failures.has(name) || this.#failures.size < this.#failureCapacity)
      return increment(this.#failures, name, key);
    this.failuresFolded++;
    const { kind, syscall, errno } = key;
    return increment(this.#otherFailures, `${kind} ${syscall} ${errno}`, { kind, syscall, errno, comm: OTHER });
  }

  /** If the table is nearly full, rows that were long unused leave it. */
  evictIdle(nowMs: number): void {
    if (!isNearlyFull(this.#rows.size, this.#capacity)) return;
    for (const [name, { key, row }] of this.#rows) {
      if (nowMs - row.lastUsedMs < this.#idleMs) continue;
      this.#evicted.add(asRow({ key, row }));
      this.#rows.delete(name);
      this.rowsEvicted++;
    }
  }

  rows(): CostRow[] {
    return [
      ...this.#evicted.complete(Array.from(this.#rows.values(), asRow)),
      ...Array.from(this.#others.values(), asRow),
    ];
  }

  failures(): FailureRow[] {
    const all = [...this.#failures.values(), ...this.#otherFailures.values()];
    return Array.from(all, ({ key, count }) => ({ ...key, count }));
  }
}

function otherName(mechanism: CostKey['mechanism'], syscall: CostKey['syscall']): string {
  return `${mechanism} ${syscall}`;
}

function add(rows: Map<string, { readonly key: CostKey; readonly row: ChargedRow }>, name: string, key: CostKey) {
  const row = new ChargedRow();
  rows.set(name, { key, row });
  return row;
}

function increment<K>(counts: Map<string, { readonly key: K; count: number }>, name: string, key: K): void {
  const known = counts.get(name);
  if (known) known.count++;
  else counts.set(name, { key, count: 1 });
}

function asRow({ key, row }: { readonly key: CostKey; readonly row: ChargedRow }): CostRow {
  return { ...key, ...row.costs(), ...(row.slowest && { slowest: row.slowest }) };
}
