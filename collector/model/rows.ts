/** Sums and differences of cost rows. */
import { OTHER, type CostKey, type CostRow, type Histogram } from './engine.ts';
import { SIZE_BOUNDS_BYTES, TIME_BOUNDS_NS } from './bounds.ts';
import { addHistograms, histogramCount, subtractHistograms } from './histogram.ts';

/** A row without the key that it is charged to. */
export type Costs = Omit<CostRow, keyof CostKey | 'slowest'>;

const noTimes: Histogram = { counts: Array.from({ length: TIME_BOUNDS_NS.length + 1 }, () => 0), sum: 0 };
const noSizes: Histogram = { counts: Array.from({ length: SIZE_BOUNDS_BYTES.length + 1 }, () => 0), sum: 0 };

export const NO_COSTS: Costs = {
  spawns: 0,
  copyNs: 0,
  copiedPageTableBytes: 0,
  cowFaultsParent: 0,
  cowFaultsChild: 0,
  childFaults: 0,
  execStallNs: 0,
  execStalls: 0,
  avoidableStallNs: 0,
  stall: noTimes,
  copiedRss: noSizes,
  execDelay: noTimes,
  lifetime: noTimes,
};

export function addCosts(a: Costs, b: Costs): Costs {
  return combine(a, b, 1, addHistograms);
}

export function subtractCosts(later: Costs, earlier: Costs): Costs {
  return combine(later, earlier, -1, subtractHistograms);
}

/** The costs of all rows for which `keyOf` gives the same key. */
export function sumBy<K>(rows: readonly CostRow[], keyOf: (row: CostRow) => K): Map<K, Costs> {
  const sums = new Map<K, Costs>();
  for (const row of rows) {
    const key = keyOf(row);
    sums.set(key, addCosts(sums.get(key) ?? NO_COSTS, row));
  }
  return sums;
}

/**
 * What each row has cost between two snapshots; rows that cost nothing are left out. A row that was evicted in between
 * lies in `(other)` now: its earlier costs are taken off there, so every sum stays whole.
 */
export function rowsSince(later: readonly CostRow[], earlier: readonly CostRow[]): CostRow[] {
  const before = new Map(earlier.map((row) => [rowKey(row), row]));
  const differences = new Map<string, CostRow>();
  for (const row of later) {
    const key = rowKey(row);
    const old = before.get(key);
    if (old && old.spawns > row.spawns) differences.set(key, row);
    else {
      differences.set(key, old ? { ...row, ...subtractCosts(row, old) } : row);
      before.delete(key);
    }
  }
  for (const evicted of before.values()) {
    const key = rowKey({ ...evicted, comm: OTHER });
    const other = differences.get(key);
    if (other) differences.set(key, { ...other, ...subtractCosts(other, evicted) });
  }
  return [...differences.values()].filter(isCharged);
}

function rowKey(key: CostKey): string {
  const id = key.comm === OTHER ? '' : (key.id ?? '');
  return JSON.stringify([key.comm, key.mechanism, key.syscall, id]);
}

function isCharged(row: CostRow): boolean {
  const { stall, copiedRss, execDelay, lifetime, ...others } = row;
  const counted = [stall, copiedRss, execDelay, lifetime].some((histogram) => histogramCount(histogram) > 0);
  return counted || Object.values(others).some((value) => typeof value === 'number' && value > 0);
}

function combine(a: Costs, b: Costs, sign: 1 | -1, histograms: typeof addHistograms): Costs {
  return {
    spawns: a.spawns + sign * b.spawns,
    copyNs: a.copyNs + sign * b.copyNs,
    copiedPageTableBytes: a.copiedPageTableBytes + sign * b.copiedPageTableBytes,
    cowFaultsParent: a.cowFaultsParent + sign * b.cowFaultsParent,
    cowFaultsChild: a.cowFaultsChild + sign * b.cowFaultsChild,
    childFaults: a.childFaults + sign * b.childFaults,
    execStallNs: a.execStallNs + sign * b.execStallNs,
    execStalls: a.execStalls + sign * b.execStalls,
    avoidableStallNs: a.avoidableStallNs + sign * b.avoidableStallNs,
    stall: histograms(a.stall, b.stall),
    copiedRss: histograms(a.copiedRss, b.copiedRss),
    execDelay: histograms(a.execDelay, b.execDelay),
    lifetime: histograms(a.lifetime, b.lifetime),
  };
}
