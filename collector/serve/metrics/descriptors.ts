/**
 * Every metric of spawn costs, once: the renderer, docs/metrics.md and the dashboards take name, help, labels and kind
 * from here. Metrics about forktax itself are in self.ts.
 */
import {
  COST_COLUMNS,
  type ColumnGroup,
  type CounterColumnName,
  type HistogramColumnName,
} from '../../model/columns.ts';
import type { FailureRow } from '../../model/rows.ts';

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

export interface RowCounter extends Descriptor {
  readonly kind: 'counter';
  readonly column: CounterColumnName;
}

/** One column of the row for each value of the label `role`. */
export interface RoleCounter extends Descriptor {
  readonly kind: 'counter';
  readonly roles: Readonly<Record<string, CounterColumnName>>;
}

export interface RowHistogram extends Descriptor {
  readonly kind: 'histogram';
  readonly unit: 'seconds' | 'bytes';
  readonly column: HistogramColumnName;
  /** The row's slowest spawn is the exemplar of its bucket. */
  readonly slowest?: true;
}

export interface FailureCounter extends Descriptor {
  readonly kind: 'counter';
  readonly failure: FailureRow['kind'];
  /** Names of errors that are shown as 0 before they happen, so that increase() sees the first one. */
  readonly expectedErrors: readonly string[];
}

export type SpawnMetric = RowCounter | RoleCounter | RowHistogram | FailureCounter;

/** The labels that tell rows apart, besides cgroup or pid. */
const ROW_LABELS = ['comm', 'mechanism', 'syscall'] as const;

const METRICS = [
  {
    name: 'forktax_spawns_total',
    kind: 'counter',
    labels: ROW_LABELS,
    help: 'Processes created.',
    column: 'spawns',
  },
  {
    name: 'forktax_spawn_failures_total',
    kind: 'counter',
    labels: ['comm', 'syscall', 'errno'],
    help: 'Spawning calls that returned an error.',
    failure: 'spawn',
    expectedErrors: ['EAGAIN', 'ENOMEM'],
  },
  {
    name: 'forktax_spawn_stall_seconds',
    kind: 'histogram',
    unit: 'seconds',
    labels: ROW_LABELS,
    help: 'Time that the caller stood still in one spawning call.',
    column: 'stall',
    slowest: true,
  },
  {
    name: 'forktax_spawn_copy_seconds_total',
    kind: 'counter',
    unit: 'seconds',
    labels: ROW_LABELS,
    help: 'Part of the stall until the child exists, in which the kernel copies. The rest of the stall is waiting.',
    column: 'copyNs',
  },
  {
    name: 'forktax_spawn_copied_rss_bytes',
    kind: 'histogram',
    unit: 'bytes',
    labels: ROW_LABELS,
    help: "Resident memory of the child when it starts. 0 if it shares its parent's memory.",
    column: 'copiedRss',
  },
  {
    name: 'forktax_spawn_copied_page_table_bytes_total',
    kind: 'counter',
    unit: 'bytes',
    labels: ROW_LABELS,
    help: "Page tables of children when they start. 0 if a child shares its parent's memory.",
    column: 'copiedPageTableBytes',
  },
  {
    name: 'forktax_cow_faults_total',
    kind: 'counter',
    labels: ['comm', 'role'],
    help: 'Write faults on present pages: in the spawner after it forked (parent), in the child before its exec (child).',
    roles: { parent: 'cowFaultsParent', child: 'cowFaultsChild' },
  },
  {
    name: 'forktax_child_page_faults_total',
    kind: 'counter',
    labels: ['comm', 'mechanism'],
    help: 'User page faults of children before their exec.',
    column: 'childFaults',
  },
  {
    name: 'forktax_exec_delay_seconds',
    kind: 'histogram',
    unit: 'seconds',
    labels: ROW_LABELS,
    help: 'Time from the start of a child to its successful exec.',
    column: 'execDelay',
  },
  {
    name: 'forktax_exec_failures_total',
    kind: 'counter',
    labels: ['comm', 'errno'],
    help: 'Failed execs of children before their first successful exec, charged to their spawner.',
    failure: 'exec',
    expectedErrors: ['ENOENT', 'EACCES'],
  },
  {
    name: 'forktax_child_lifetime_seconds',
    kind: 'histogram',
    unit: 'seconds',
    labels: ROW_LABELS,
    help: 'Time from the start of a child to its exit.',
    column: 'lifetime',
  },
  {
    name: 'forktax_avoidable_stall_seconds_total',
    kind: 'counter',
    unit: 'seconds',
    labels: ['comm'],
    help: 'Stall beyond the cost of an afork on this host, for spawns whose child called exec.',
    column: 'avoidableStallNs',
  },
] as const satisfies readonly SpawnMetric[];

/** Has names and labels as types, so that a dashboard that uses an unknown metric or label does not compile. */
export type NamedSpawnMetric = (typeof METRICS)[number];

export const SPAWN_METRICS: readonly SpawnMetric[] = METRICS;

/** Gives the groups of columns that feed a metric. The metric is absent if one of them is. */
export function feedingGroups(metric: SpawnMetric): readonly ColumnGroup[] {
  if ('failure' in metric) return [metric.failure === 'exec' ? 'execFailures' : 'stall'];
  const columns = 'roles' in metric ? Object.values(metric.roles) : [metric.column];
  return [...new Set(columns.flatMap((column) => COST_COLUMNS[column].needs))];
}
