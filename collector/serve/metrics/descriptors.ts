/**
 * Every metric of spawn costs, once: the renderer, docs/metrics.md and the dashboards take name, help, labels and kind
 * from here. What forktax says of itself is in self.ts.
 */
import type { ColumnGroup } from '../../model/columns.ts';
import type { CostRow, FailureRow, SlowestSpawn } from '../../model/rows.ts';
import type { Histogram } from '../../model/histogram.ts';

export interface Descriptor {
  /** As a query names it; a histogram's without `_bucket`, `_sum` and `_count`. */
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  /** Of the metric. Engines count nanoseconds where it says seconds. */
  readonly unit?: 'seconds' | 'bytes';
  /** Besides these, metrics of spawn costs have `cgroup` or `pid` where the engine was opened with that label. */
  readonly labels: readonly string[];
  readonly help: string;
}

interface SpawnDescriptor extends Descriptor {
  /** All of them must be fed by attached hooks; otherwise the metric is absent. */
  readonly columns: readonly ColumnGroup[];
}

export interface RowCounter extends SpawnDescriptor {
  readonly kind: 'counter';
  readonly value: (row: CostRow) => number;
}

/** One field of the row for each value of the label `role`. */
export interface RoleCounter extends SpawnDescriptor {
  readonly kind: 'counter';
  readonly roles: Readonly<Record<string, (row: CostRow) => number>>;
}

export interface RowHistogram extends SpawnDescriptor {
  readonly kind: 'histogram';
  readonly unit: 'seconds' | 'bytes';
  readonly histogram: (row: CostRow) => Histogram;
  readonly slowest?: (row: CostRow) => SlowestSpawn | undefined;
}

export interface FailureCounter extends SpawnDescriptor {
  readonly kind: 'counter';
  readonly failure: FailureRow['kind'];
  /** Names; shown as 0 before they happen, so that increase() sees the first one. */
  readonly expectedErrors: readonly string[];
}

export type SpawnMetric = RowCounter | RoleCounter | RowHistogram | FailureCounter;

/** What tells rows apart, besides the id. */
export const ROW_LABELS = ['comm', 'mechanism', 'syscall'] as const;

const METRICS = [
  {
    name: 'forktax_spawns_total',
    kind: 'counter',
    labels: ROW_LABELS,
    help: 'Processes made.',
    columns: ['spawns'],
    value: (row) => row.spawns,
  },
  {
    name: 'forktax_spawn_failures_total',
    kind: 'counter',
    labels: ['comm', 'syscall', 'errno'],
    help: 'Spawning calls that returned an error.',
    columns: ['stall'],
    failure: 'spawn',
    expectedErrors: ['EAGAIN', 'ENOMEM'],
  },
  {
    name: 'forktax_spawn_stall_seconds',
    kind: 'histogram',
    unit: 'seconds',
    labels: ROW_LABELS,
    help: 'Time that the caller stood still in one spawning call.',
    columns: ['stall'],
    histogram: (row) => row.stall,
    slowest: (row) => row.slowest,
  },
  {
    name: 'forktax_spawn_copy_seconds_total',
    kind: 'counter',
    unit: 'seconds',
    labels: ROW_LABELS,
    help: 'Part of the stall up to the moment at which the child exists. The rest of the stall is waiting.',
    columns: ['stall'],
    value: (row) => row.copyNs,
  },
  {
    name: 'forktax_spawn_copied_rss_bytes',
    kind: 'histogram',
    unit: 'bytes',
    labels: ROW_LABELS,
    help: "Resident memory of the child at its birth. 0 when it shares its parent's memory.",
    columns: ['spawns'],
    histogram: (row) => row.copiedRss,
  },
  {
    name: 'forktax_spawn_copied_page_table_bytes_total',
    kind: 'counter',
    unit: 'bytes',
    labels: ROW_LABELS,
    help: "Page tables of children at their birth. 0 when a child shares its parent's memory.",
    columns: ['spawns'],
    value: (row) => row.copiedPageTableBytes,
  },
  {
    name: 'forktax_cow_faults_total',
    kind: 'counter',
    labels: ['comm', 'role'],
    help: 'Write faults on present pages: in the spawner after it forked (parent), in the child before its exec (child).',
    columns: ['faults'],
    roles: { parent: (row) => row.cowFaultsParent, child: (row) => row.cowFaultsChild },
  },
  {
    name: 'forktax_child_page_faults_total',
    kind: 'counter',
    labels: ['comm', 'mechanism'],
    help: 'User page faults of children before their exec.',
    columns: ['faults'],
    value: (row) => row.childFaults,
  },
  {
    name: 'forktax_exec_delay_seconds',
    kind: 'histogram',
    unit: 'seconds',
    labels: ROW_LABELS,
    help: "Time from a child's birth to its successful exec.",
    columns: ['exec'],
    histogram: (row) => row.execDelay,
  },
  {
    name: 'forktax_exec_failures_total',
    kind: 'counter',
    labels: ['comm', 'errno'],
    help: "Failed execs of children that had not exec'd yet, charged to their spawner.",
    columns: ['execFailures'],
    failure: 'exec',
    expectedErrors: ['ENOENT', 'EACCES'],
  },
  {
    name: 'forktax_child_lifetime_seconds',
    kind: 'histogram',
    unit: 'seconds',
    labels: ROW_LABELS,
    help: "Time from a child's birth to its exit.",
    columns: ['lifetime'],
    histogram: (row) => row.lifetime,
  },
  {
    name: 'forktax_avoidable_stall_seconds_total',
    kind: 'counter',
    unit: 'seconds',
    labels: ['comm'],
    help: "Stall beyond what this host's afork costs, of spawns whose child went on to exec.",
    columns: ['stall', 'exec'],
    value: (row) => row.avoidableStallNs,
  },
] as const satisfies readonly SpawnMetric[];

/** With its names and labels as types: dashboards that name another metric or label do not compile. */
export type NamedSpawnMetric = (typeof METRICS)[number];

export const SPAWN_METRICS: readonly SpawnMetric[] = METRICS;
