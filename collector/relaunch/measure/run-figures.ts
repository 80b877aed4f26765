/** Sums up what the spawns of a run cost, by program and by mechanism. A figure that could not be measured is absent. */
import { absentColumns } from '../../model/hooks.ts';
import { MECHANISMS, type Mechanism } from '../../model/spawn.ts';
import { type CostRow, sumBy } from '../../model/rows.ts';
import { type Histogram, histogramCount, quantile } from '../../model/histogram.ts';
import { errnoName } from '../../system/errno.ts';
import { TIME_BOUNDS_NS } from '../../model/bounds.ts';
import { addCosts, NO_COSTS, type Costs } from '../../model/costs.ts';
import type { Sketch } from '../../model/sketch.ts';
import type { Group } from './grouped-sketch.ts';
import type { Measurement } from './meter.ts';

export interface Figures {
  readonly spawns: number;
  readonly stallSumNs?: number;
  /** The error is at most 2 %; if events were lost, it is an estimate from the histogram. */
  readonly stallP50Ns?: number;
  readonly stallP99Ns?: number;
  /** Absent if events were lost. */
  readonly stallMaxNs?: number;
  readonly copyNs?: number;
  /** How long other threads of the spawners waited while forks copied, in sum. */
  readonly siblingWaitSumNs?: number;
  readonly copiedRssBytes: number;
  readonly copiedPageTableBytes: number;
  readonly cowFaults?: number;
  /** How long these took, in sum. */
  readonly cowFaultsSumNs?: number;
  /** An estimate. Only the total of a run has it, and only if huge pages matter. */
  readonly copiedPageTableEntries?: number;
  readonly execs?: number;
  readonly execDelayP50Ns?: number;
  readonly execDelayP99Ns?: number;
}

export interface GroupFigures extends Figures {
  readonly comm: string;
  readonly mechanism: Mechanism;
}

/** Gives the figures of each program and mechanism, the largest stall first. */
export function figuresByProgram(measurement: Measurement): GroupFigures[] {
  return [...sumBy(measurement.rows, ({ comm, mechanism }) => JSON.stringify([comm, mechanism]))]
    .map(([key, costs]) => {
      const [comm, mechanism] = JSON.parse(key) as [string, Mechanism];
      const group = { comm, mechanism };
      return Object.assign(figuresOf(costs, measurement, group), group);
    })
    .filter(({ spawns }) => spawns > 0)
    .toSorted((a, b) => (b.stallSumNs ?? b.spawns) - (a.stallSumNs ?? a.spawns));
}

/** Gives the costs of each mechanism that was used. */
export function costsByMechanism(rows: readonly CostRow[]): [Mechanism, Costs][] {
  const sums = sumBy(rows, ({ mechanism }) => mechanism);
  return MECHANISMS.flatMap((mechanism) => {
    const costs = sums.get(mechanism);
    return costs && costs.spawns > 0 ? [[mechanism, costs] as [Mechanism, Costs]] : [];
  });
}

/** Gives the figures of all spawns together. */
export function totalFigures(measurement: Measurement): Figures {
  const costs = measurement.rows.reduce<Costs>((sum, row) => addCosts(sum, row), NO_COSTS);
  const { copiedEntries } = measurement;
  const entries = copiedEntries !== undefined && { copiedPageTableEntries: copiedEntries };
  return { ...figuresOf(costs, measurement), ...entries };
}

export interface Failures {
  /** `spawn`: the call failed. `exec`: the child's exec failed. */
  readonly kind: 'spawn' | 'exec';
  readonly comm: string;
  readonly error: string;
  readonly count: number;
}

export function failuresOf({ failures }: Measurement): Failures[] {
  const counts = new Map<string, Failures>();
  for (const { kind, comm, errno, count } of failures) {
    const key = JSON.stringify([kind, comm, errno]);
    counts.set(key, { kind, comm, error: errnoName(errno), count: (counts.get(key)?.count ?? 0) + count });
  }
  return [...counts.values()].toSorted((a, b) => b.count - a.count);
}

function figuresOf(costs: Costs, { hooks, stalls, execDelays }: Measurement, group?: Group): Figures {
  const absent = absentColumns(hooks);
  return {
    spawns: costs.spawns,
    copiedRssBytes: costs.copiedRss.sum,
    copiedPageTableBytes: costs.copiedPageTableBytes,
    ...(!absent.has('stall') && stallFigures(costs, whole(stalls.of(group), costs.stall))),
    ...(!absent.has('stall') && !absent.has('siblings') && { siblingWaitSumNs: costs.siblingWait.sum }),
    ...(!absent.has('faults') && { cowFaults: costs.cowFaultsParent + costs.cowFaultsChild }),
    ...(!absent.has('faults') &&
      !absent.has('cowFaultTimes') && { cowFaultsSumNs: costs.cowFaultsParentNs + costs.cowFaultsChildNs }),
    ...(!absent.has('exec') && execFigures(costs, whole(execDelays.of(group), costs.execDelay))),
  };
}

/** Gives the sketch only if it holds every value that the kernel counted. */
function whole(sketch: Sketch | undefined, histogram: Histogram): Sketch | undefined {
  return sketch?.sum === histogram.sum ? sketch : undefined;
}

function stallFigures({ stall, copyNs }: Costs, sketch: Sketch | undefined): Partial<Figures> {
  const [p50, p99] = quantiles(stall, sketch);
  return {
    stallSumNs: stall.sum,
    copyNs,
    ...(p50 !== undefined && { stallP50Ns: p50 }),
    ...(p99 !== undefined && { stallP99Ns: p99 }),
    ...(sketch && { stallMaxNs: sketch.max }),
  };
}

function execFigures({ execDelay }: Costs, sketch: Sketch | undefined): Partial<Figures> {
  const [p50, p99] = quantiles(execDelay, sketch);
  return {
    execs: histogramCount(execDelay),
    ...(p50 !== undefined && { execDelayP50Ns: p50 }),
    ...(p99 !== undefined && { execDelayP99Ns: p99 }),
  };
}

/** Gives p50 and p99 in whole nanoseconds. A sketch errs by up to 2 %, but never gives more than the maximum. */
function quantiles(histogram: Histogram, sketch: Sketch | undefined): (number | undefined)[] {
  return [0.5, 0.99].map((q) => {
    const value = sketch?.quantile(q) ?? quantile(histogram, TIME_BOUNDS_NS, q);
    return value === undefined ? undefined : Math.round(Math.min(value, sketch?.max ?? Infinity));
  });
}

/** Finds the program whose forks copied most on average. */
export function largestCopier(rows: readonly CostRow[]): { comm: string; bytes: number } | undefined {
  const forks = sumBy(
    rows.filter(({ mechanism }) => mechanism === 'fork'),
    ({ comm }) => comm,
  );
  return [...forks]
    .map(([comm, { copiedRss, spawns }]) => ({ comm, bytes: spawns > 0 ? copiedRss.sum / spawns : 0 }))
    .toSorted((a, b) => b.bytes - a.bytes)[0];
}
