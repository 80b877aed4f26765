/**
 * Every metric of spawn costs, once: the renderer, docs/metrics.md and the dashboards take name, help, labels and kind
 * from here. Metrics about forktax itself are in self.ts.
 */
import type { HistogramKind } from '../../model/bounds.ts';
import type { ColumnGroup } from '../../model/columns.ts';
import type { CostRow, FailureRow, SlowestSpawn } from '../../model/rows.ts';
import type { Histogram } from '../../model/histogram.ts';

export interface Descriptor {
  /** The name in a query. A histogram's name has no `_bucket`, `_sum` or `_count`. */
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  /** The unit of the metric. Engines count nanoseconds where this says seconds. */
  readonly unit?: 'seconds' | 'bytes';
  /** Metrics of spawn costs also have `cgroup` or `pid` if the engine was opened with that label. */
  readonly labels: readonly string[];
  readonly help: string;
}

interface SpawnDescriptor extends Descriptor {
  /** If attached hooks do not feed all of these, the metric is absent. */
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
  readonly scale: HistogramKind;
  readonly histogram: (row: CostRow) => Histogram;
  readonly slowest?: (row: CostRow) => SlowestSpawn | undefined;
}

export interface FailureCounter extends SpawnDescriptor {
  readonly kind: 'counter';
  readonly failure: FailureRow['kind'];
  /** Names of errors that are shown as 0 before they happen, so that increase() sees the first one. */
  readonly expectedErrors: readonly string[];
}

export type SpawnMetric = RowCounter | RoleCounter | RowHistogram | FailureCounter;

/** The labels that tell rows apart, besides cgroup or pid. */
export const ROW_LABELS = ['comm', 'mechanism', 'syscall'] as const;

const METRICS = [
  {
    name: 'forktax_spawns_total',
    kind: 'counter',
    labels: ROW_LABELS,
    help: 'Processes created.',
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
    scale: 'timeHistogram',
    histogram: (row) => row.stall,
    slowest: (row) => row.slowest,
  },
  {
    name: 'forktax_spawn_copy_seconds_total',
    kind: 'counter',
    unit: 'seconds',
    labels: ROW_LABELS,
    help: 'Part of the stall until the child exists, in which the kernel copies. The rest of the stall is waiting.',
    columns: ['stall'],
    value: (row) => row.copyNs,
  },
  {
    name: 'forktax_spawn_copied_rss_bytes',
    kind: 'histogram',
    unit: 'bytes',
    labels: ROW_LABELS,
    help: "Resident memory of the child when it starts. 0 if it shares its parent's memory.",
    columns: ['spawns'],
    scale: 'sizeHistogram',
    histogram: (row) => row.copiedRss,
  },
  {
    name: 'forktax_spawn_copied_page_table_bytes_total',
    kind: 'counter',
    unit: 'bytes',
    labels: ROW_LABELS,
    help: "Page tables of children when they start. 0 if a child shares its parent's memory.",
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
    help: 'Time from the start of a child to its successful exec.',
    columns: ['exec'],
    scale: 'timeHistogram',
    histogram: (row) => row.execDelay,
  },
  {
    name: 'forktax_exec_failures_total',
    kind: 'counter',
    labels: ['comm', 'errno'],
    help: 'Failed execs of children before their first successful exec, charged to their spawner.',
    columns: ['execFailures'],
    failure: 'exec',
    expectedErrors: ['ENOENT', 'EACCES'],
  },
  {
    name: 'forktax_child_lifetime_seconds',
    kind: 'histogram',
    unit: 'seconds',
    labels: ROW_LABELS,
    help: 'Time from the start of a child to its exit.',
    columns: ['lifetime'],
    scale: 'lifetimeHistogram',
    histogram: (row) => row.lifetime,
  },
  {
    name: 'forktax_avoidable_stall_seconds_total',
    kind: 'counter',
    unit: 'seconds',
    labels: ['comm'],
    help: 'Stall beyond the cost of an afork on this host, for spawns whose child called exec.',
    columns: ['stall', 'exec'],
    value: (row) => row.avoidableStallNs,
  },
] as const satisfies readonly SpawnMetric[];

/** Has names and labels as types, so that a dashboard that uses an unknown metric or label does not compile. */
export type NamedSpawnMetric = (typeof METRICS)[number];

export const SPAWN_METRICS: readonly SpawnMetric[] = METRICS;
