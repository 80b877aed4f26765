/**
 * Every metric of spawn costs, once: the renderer, docs/metrics.md and the dashboards take name, help, labels and kind
 * from here. Metrics about forktax itself are in self.ts.
 */
import {
  COST_COLUMNS,
  type ColumnGroup,
  type CostColumnName,
  type CounterColumnName,
  type HistogramColumnName,
} from '../../model/columns.ts';
import type { FailureRow } from '../../model/rows.ts';
import type { FamilyHead } from './family.ts';
import type { MetricGroup } from '../../model/metric-groups.ts';

export interface Descriptor extends FamilyHead {
  /** Metrics of spawn costs also have `cgroup` or `pid` if the engine was opened with that label. */
  readonly labels: readonly string[];
}

interface SpawnDescriptor extends Descriptor {
  /** The group of --metrics that it belongs to. Absent: it is always there. */
  readonly group?: MetricGroup;
}

export interface RowCounter extends SpawnDescriptor {
  readonly kind: 'counter';
  /** Engines count nanoseconds where the metric says seconds. */
  readonly column: CostColumnName;
  /** What is shown of a column that is a histogram. Default: the number of its values. */
  readonly value?: 'sum' | 'count';
}

/** One column for each value of the label `role`. */
export interface RoleCounter extends SpawnDescriptor {
  readonly kind: 'counter';
  readonly roles: Readonly<Record<string, CounterColumnName>>;
}

export interface RowHistogram extends SpawnDescriptor {
  readonly kind: 'histogram';
  readonly unit: 'seconds' | 'bytes';
  readonly column: HistogramColumnName;
  /** The row's slowest spawn is the exemplar of its bucket. */
  readonly slowest?: true;
}

export interface FailureCounter extends SpawnDescriptor {
  readonly kind: 'counter';
  readonly failure: FailureRow['kind'];
  /** Names of errors that are shown as 0 before they happen, so that increase() sees the first one. */
  readonly expectedErrors: readonly string[];
}

export type SpawnMetric = RowCounter | RoleCounter | RowHistogram | FailureCounter;

/** The labels of most metrics, besides cgroup or pid. A row of the table has the system call too. */
const SERIES_LABELS = ['comm', 'mechanism'] as const;

const METRICS = [
  {
    name: 'forktax_spawns_total',
    kind: 'counter',
    labels: [...SERIES_LABELS, 'syscall'],
    help: 'Processes created.',
    column: 'spawns',
  },
  {
    name: 'forktax_spawn_failures_total',
    group: 'failures',
    kind: 'counter',
    labels: ['comm', 'errno'],
    help: 'Spawning calls that returned an error.',
    failure: 'spawn',
    expectedErrors: ['EAGAIN', 'ENOMEM'],
  },
  {
    name: 'forktax_spawn_stall_seconds',
    group: 'stall',
    kind: 'histogram',
    unit: 'seconds',
    labels: SERIES_LABELS,
    help: 'Time that the caller stood still in one spawning call.',
    column: 'stall',
    slowest: true,
  },
  {
    name: 'forktax_sibling_stall_seconds_total',
    group: 'siblings',
    kind: 'counter',
    unit: 'seconds',
    labels: ['comm'],
    help: 'Time that other threads of spawners waited for the memory map while a fork copied it, in sum.',
    column: 'siblingWait',
    value: 'sum',
  },
  {
    name: 'forktax_spawn_copy_seconds_total',
    group: 'copy',
    kind: 'counter',
    unit: 'seconds',
    labels: SERIES_LABELS,
    help: 'Part of the stall until the child exists, in which the kernel copies. The rest of the stall is waiting.',
    column: 'copyNs',
  },
  {
    name: 'forktax_spawn_copied_rss_bytes',
    group: 'copy',
    kind: 'histogram',
    unit: 'bytes',
    labels: SERIES_LABELS,
    help: "Resident memory of the child when it starts. 0 if it shares its parent's memory.",
    column: 'copiedRss',
  },
  {
    name: 'forktax_spawn_copied_page_table_bytes_total',
    group: 'copy',
    kind: 'counter',
    unit: 'bytes',
    labels: SERIES_LABELS,
    help: "Page tables of children when they start. 0 if a child shares its parent's memory.",
    column: 'copiedPageTableBytes',
  },
  {
    name: 'forktax_cow_faults_total',
    group: 'faults',
    kind: 'counter',
    labels: ['comm', 'role'],
    help: 'Write faults on present pages: in the spawner after it forked (parent), in the child before its exec (child).',
    roles: { parent: 'cowFaultsParent', child: 'cowFaultsChild' },
  },
  {
    name: 'forktax_cow_fault_seconds_total',
    group: 'cow-time',
    kind: 'counter',
    unit: 'seconds',
    labels: ['comm', 'role'],
    help: 'How long the faults of forktax_cow_faults_total took, in sum. Absent on kernels that refuse fexit.',
    roles: { parent: 'cowFaultsParentNs', child: 'cowFaultsChildNs' },
  },
  {
    name: 'forktax_child_page_faults_total',
    group: 'faults',
    kind: 'counter',
    labels: SERIES_LABELS,
    help: 'User page faults of children before their exec.',
    column: 'childFaults',
  },
  {
    name: 'forktax_sibling_wait_seconds',
    group: 'sibling-wait',
    kind: 'histogram',
    unit: 'seconds',
    labels: ['comm'],
    help: 'Time that another thread of the spawner waited once for the memory map while a fork copied it.',
    column: 'siblingWait',
  },
  {
    name: 'forktax_exec_delay_seconds',
    group: 'exec-delay',
    kind: 'histogram',
    unit: 'seconds',
    labels: SERIES_LABELS,
    help: 'Time from the start of a child to its successful exec.',
    column: 'execDelay',
  },
  {
    name: 'forktax_execs_total',
    group: 'failures',
    kind: 'counter',
    labels: ['comm'],
    help: 'Children that called exec successfully.',
    column: 'execDelay',
  },
  {
    name: 'forktax_exec_failures_total',
    group: 'failures',
    kind: 'counter',
    labels: ['comm', 'errno'],
    help: 'Failed execs of children before their first successful exec, charged to their spawner.',
    failure: 'exec',
    expectedErrors: ['ENOENT', 'EACCES'],
  },
  {
    name: 'forktax_child_lifetime_seconds',
    group: 'lifetime',
    kind: 'histogram',
    unit: 'seconds',
    labels: SERIES_LABELS,
    help: 'Time from the start of a child to its exit.',
    column: 'lifetime',
  },
  {
    name: 'forktax_avoidable_stall_seconds_total',
    group: 'stall',
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
