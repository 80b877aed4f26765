/** What the collector has told: points of the history, read and summed up. */
import { histogramCount, quantile } from '../model/histogram.ts';
import type { HistoryAnswer } from '../serve/api/schema.ts';

/** A sum over rows. Null: not measured. */
export interface Sums {
  spawns: number | null;
  stallNs: number | null;
  copyNs: number | null;
  avoidableStallNs: number | null;
  copiedBytes: number | null;
  cowFaults: number | null;
  failures: number;
  readonly slots: number[];
  readonly mechanisms: Set<string>;
}

export interface Row extends Sums {
  readonly key: string;
  readonly comm: string;
  readonly id: string | null;
  readonly mechanism: string;
}

interface Failure {
  readonly key: string;
  readonly kind: string;
  readonly errno: string;
  readonly count: number;
}

export interface Point {
  readonly seq: number;
  readonly atMs: number;
  readonly spanMs: number;
  readonly rowsFolded: number;
  readonly rows: readonly Row[];
  readonly failures: readonly Failure[];
}

/** An hour of what the page has seen. */
const MAX_POINTS = 3600;

export class Seen {
  points: Point[] = [];
  latest: HistoryAnswer | undefined;
  #previous: HistoryAnswer | undefined;

  get next(): number {
    return this.latest?.next_seq ?? 0;
  }

  /** Gives whether the answer is from another collector than those before; then all begins anew. */
  add(answer: HistoryAnswer): boolean {
    const isAnother = this.latest !== undefined && this.latest.started_ms !== answer.started_ms;
    if (isAnother) this.points = [];
    this.#previous = isAnother ? undefined : this.latest;
    this.latest = answer;
    const last = this.points.at(-1)?.seq ?? -1;
    this.points.push(...answer.points.filter(({ seq }) => seq > last).map(readPoint));
    if (this.points.length > MAX_POINTS) this.points = this.points.slice(-MAX_POINTS);
    return isAnother;
  }

  within(fromMs: number, toMs: number): readonly Point[] {
    return this.points.filter(({ atMs }) => atMs > fromMs && atMs <= toMs);
  }

  /** What the collector took of one processor between the last two answers, in [0, 1]. */
  get cpuShare(): number | undefined {
    if (!this.latest || !this.#previous) return undefined;
    const [now, before] = [this.latest.collector, this.#previous.collector];
    const seconds = now.uptime_seconds - before.uptime_seconds;
    return seconds > 0 ? (now.cpu_seconds - before.cpu_seconds) / seconds : undefined;
  }
}

const keyOf = (comm: string, id: string | null) => (id === null ? comm : `${comm} @${id}`);

function readPoint(point: HistoryAnswer['points'][number]): Point {
  return {
    seq: point.seq,
    atMs: point.at_ms,
    spanMs: point.span_ms,
    rowsFolded: point.rows_folded,
    rows: point.rows.map(readRow),
    failures: point.failures.map(([kind, comm, id, errno, count]) => ({ key: keyOf(comm, id), kind, errno, count })),
  };
}

/** The order is that of `row_fields`, which a test of the page compares. */
function readRow(values: HistoryAnswer['points'][number]['rows'][number]): Row {
  const [comm, id, mechanism, spawns, stallNs, copyNs, avoidableStallNs, rss, pageTables, parent, child, pairs] =
    values;
  const slots: number[] = [];
  (pairs ?? []).forEach((slot, i, all) => {
    if (i % 2 === 0) slots[slot] = all[i + 1] ?? 0;
  });
  return {
    key: keyOf(comm, id),
    comm,
    id,
    mechanism,
    spawns,
    stallNs,
    copyNs,
    avoidableStallNs,
    copiedBytes: plus(rss, pageTables),
    cowFaults: plus(parent, child),
    failures: 0,
    slots,
    mechanisms: new Set([mechanism]),
  };
}

export function emptySums(): Sums {
  return {
    spawns: 0,
    stallNs: 0,
    copyNs: 0,
    avoidableStallNs: 0,
    copiedBytes: 0,
    cowFaults: 0,
    failures: 0,
    slots: [],
    mechanisms: new Set(),
  };
}

const COUNTS = ['spawns', 'stallNs', 'copyNs', 'avoidableStallNs', 'copiedBytes', 'cowFaults'] as const;
export type CountName = (typeof COUNTS)[number];

export function addTo(sums: Sums, row: Sums): void {
  for (const name of COUNTS) sums[name] = plus(sums[name], row[name]);
  row.slots.forEach((count, slot) => {
    sums.slots[slot] = (sums.slots[slot] ?? 0) + count;
  });
  for (const mechanism of row.mechanisms) sums.mechanisms.add(mechanism);
}

/** Sums by key, failures included. */
export function sumUp(points: readonly Point[], groupOf: (row: Pick<Row, 'key'> & { mechanism?: string }) => string) {
  const groups = new Map<string, Sums>();
  const groupNamed = (name: string) => {
    const known = groups.get(name) ?? emptySums();
    groups.set(name, known);
    return known;
  };
  for (const point of points) {
    for (const row of point.rows) addTo(groupNamed(groupOf(row)), row);
    for (const failure of point.failures) groupNamed(groupOf(failure)).failures += failure.count;
  }
  return groups;
}

/** In nanoseconds, by the formula of the command line; undefined: nothing stalled, or it is not measured. */
export function stallQuantile({ slots, stallNs }: Sums, bounds: readonly number[], q: number): number | undefined {
  const counts = Array.from({ length: bounds.length + 1 }, (_, i) => slots[i] ?? 0);
  if (stallNs === null || histogramCount({ counts, sum: 0 }) === 0) return undefined;
  return quantile({ counts, sum: stallNs }, bounds, q);
}

function plus(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}
