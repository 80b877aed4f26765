/** What each spawner cost, from readings of the table of costs: each second, and over the last minute. */
import { addCosts, NO_COSTS, subtractCosts, type Costs } from '../model/costs.ts';
import type { Mechanism } from '../model/spawn.ts';
import type { CollectorRow } from '../remote/costs.ts';
import type { CostRow, FailureRow } from '../model/rows.ts';

export interface Reading {
  /** Milliseconds, of a clock that never goes back. */
  readonly atMs: number;
  readonly rows: readonly CostRow[];
  readonly failures: readonly FailureRow[];
}

/** How a spawner is told from others. */
export type SpawnerName = (row: { readonly comm: string; readonly id?: string }) => string;

/** Gives the container or unit of a spawner; undefined where it is not known. */
export type PlaceOf = (row: Pick<CollectorRow, 'comm' | 'id' | 'cgroup'>) => string | undefined;

export interface SpawnerFigures {
  readonly name: string;
  /** The containers or units where it runs, that of most spawns first; those that are not known are left out. */
  readonly places: readonly string[];
  /** Between the last two readings, for each second. */
  readonly rates: Rates;
  /** The costs of the last minute. */
  readonly minute: Costs;
  /** The longest stall since the beginning, in nanoseconds. */
  readonly worstNs: number;
  /** The stall of the last minute, by when it was read, the oldest first. */
  readonly course: readonly CoursePoint[];
  /** The mechanisms that it used, with the costs of the last minute. */
  readonly mechanisms: ReadonlyMap<Mechanism, Costs>;
}

export interface CoursePoint {
  /** Milliseconds before the last reading. */
  readonly agoMs: number;
  /** Since the reading before. */
  readonly stallNs: number;
}

interface Rates {
  readonly spawns: number;
  readonly stallNs: number;
  readonly copiedBytes: number;
  readonly avoidableNs: number;
  readonly siblingWaitNs: number;
  readonly failures: number;
}

/** Costs of so many moments are kept for the minute, to bound the memory. */
const MOMENTS = 6;
export const MINUTE_MS = 60_000;

interface Spawner {
  places: readonly string[];
  mechanisms: Map<Mechanism, Costs>;
  failures: number;
  worstNs: number;
  rates: Rates;
  course: CoursePoint[];
}

interface Moment {
  readonly atMs: number;
  readonly costs: ReadonlyMap<string, ReadonlyMap<Mechanism, Costs>>;
}

export class SpawnerHistory {
  readonly #nameOf: SpawnerName;
  readonly #placeOf: PlaceOf;
  #spawners = new Map<string, Spawner>();
  #moments: Moment[] = [];
  #lastMs: number | undefined;

  constructor(nameOf: SpawnerName, placeOf: PlaceOf = () => undefined) {
    this.#nameOf = nameOf;
    this.#placeOf = placeOf;
  }

  add({ atMs, rows, failures }: Reading): void {
    const seconds = this.#lastMs === undefined ? 0 : (atMs - this.#lastMs) / 1000;
    const failed = countFailures(failures, this.#nameOf);
    const groups = Map.groupBy(rows, this.#nameOf);
    const names = new Set([...groups.keys(), ...failed.keys()]);
    const now = new Map<string, Spawner>();
    for (const name of names) {
      const group = groups.get(name) ?? [];
      const figures = next(this.#spawners.get(name), group, failed.get(name) ?? 0, seconds);
      now.set(name, { ...figures, places: this.#placesOf(group) });
    }
    this.#spawners = now;
    this.#lastMs = atMs;
    this.#keepMoment(atMs);
  }

  /** Spawners that cost anything in the last minute, in no order. */
  figures(): SpawnerFigures[] {
    const [oldest] = this.#moments;
    return [...this.#spawners].flatMap(([name, spawner]) => {
      const before = oldest?.costs.get(name);
      const mechanisms = new Map(
        [...spawner.mechanisms].map(([mechanism, costs]) => [mechanism, since(costs, before?.get(mechanism))]),
      );
      const minute = [...mechanisms.values()].reduce(addCosts, NO_COSTS);
      const { places, rates, worstNs, course } = spawner;
      const isIdle = minute.spawns === 0 && rates.failures === 0 && course.every(({ stallNs }) => stallNs === 0);
      return isIdle ? [] : [{ name, places, rates, minute, worstNs, course, mechanisms }];
    });
  }

  #placesOf(rows: readonly CostRow[]): string[] {
    const places = rows.toSorted((a, b) => b.spawns - a.spawns).map((row) => this.#placeOf(row));
    return [...new Set(places.filter((place) => place !== undefined))];
  }

  #keepMoment(atMs: number): void {
    const last = this.#moments.at(-1);
    if (last && atMs - last.atMs < MINUTE_MS / MOMENTS) return;
    const costs = new Map([...this.#spawners].map(([name, { mechanisms }]) => [name, mechanisms]));
    this.#moments.push({ atMs, costs });
    while ((this.#moments[1]?.atMs ?? Infinity) <= atMs - MINUTE_MS) this.#moments.shift();
  }
}

function next(
  before: Spawner | undefined,
  rows: readonly CostRow[],
  failures: number,
  seconds: number,
): Omit<Spawner, 'places'> {
  const mechanisms = new Map(
    [...Map.groupBy(rows, ({ mechanism }) => mechanism)].map(([mechanism, each]) => [
      mechanism,
      each.reduce<Costs>(addCosts, NO_COSTS),
    ]),
  );
  const changes = [...mechanisms].map(([mechanism, costs]) => since(costs, before?.mechanisms.get(mechanism)));
  const change = before || seconds > 0 ? changes.reduce(addCosts, NO_COSTS) : NO_COSTS;
  const each = (value: number): number => (seconds > 0 ? value / seconds : 0);
  return {
    mechanisms,
    failures,
    worstNs: Math.max(0, ...rows.map(({ slowest }) => slowest?.stallNs ?? 0)),
    rates: {
      spawns: each(change.spawns),
      stallNs: each(change.stall.sum),
      copiedBytes: each(change.copiedRss.sum),
      avoidableNs: each(change.avoidableStallNs),
      siblingWaitNs: each(change.siblingWait.sum),
      failures: each(Math.max(0, failures - (before?.failures ?? 0))),
    },
    course: seconds > 0 ? continued(before?.course ?? [], seconds * 1000, change.stall.sum) : [],
  };
}

function continued(course: readonly CoursePoint[], passedMs: number, stallNs: number): CoursePoint[] {
  const older = course.map((point) => ({ agoMs: point.agoMs + passedMs, stallNs: point.stallNs }));
  return [...older.filter(({ agoMs }) => agoMs < MINUTE_MS), { agoMs: 0, stallNs }];
}

/**
 * A row that was evicted meanwhile begins at zero again. A stall is counted when the call returns, and what of it was avoidable when
 * the child of a fork calls exec, which may be after the next reading: that is no part of the stall since then.
 */
function since(later: Costs, earlier: Costs | undefined): Costs {
  const costs = earlier && earlier.spawns <= later.spawns ? subtractCosts(later, earlier) : later;
  return { ...costs, avoidableStallNs: Math.min(costs.avoidableStallNs, costs.stall.sum) };
}

function countFailures(failures: readonly FailureRow[], nameOf: SpawnerName): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const failure of failures) {
    const name = nameOf(failure);
    counts.set(name, (counts.get(name) ?? 0) + failure.count);
  }
  return counts;
}
