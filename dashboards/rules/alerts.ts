/** The alerts. Each has a page of its name in docs/runbooks. */
import { failureRatio } from '../shared/failures.ts';
import { UIDS } from '../shared/uids.ts';
import { LOSSES } from '../shared/losses.ts';
import { everything } from '../shared/scopes.ts';
import {
  ENOENT_PER_EXEC,
  ENOUGH_SPAWNS_PER_SECOND,
  EXEC_FAILURES_PER_SECOND,
  LARGE_FORK_BYTES,
  SIBLINGS_STOOD_STILL_SECONDS_PER_SECOND,
  SPAWN_FAILURE_RATIO,
  STALL_P99_SECONDS,
  STOOD_STILL_SECONDS_PER_SECOND,
  TABLE_FULL_RATIO,
} from './thresholds.ts';
import { formatBound } from '../../collector/serve/metrics/text.ts';

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  /** How long the condition must hold. If absent, the alert fires at once. */
  readonly for?: string;
  /** critical: somebody must act now. warning: somebody should look today. info: a hint beside other alerts. */
  readonly severity: 'critical' | 'warning' | 'info';
  readonly summary: string;
  readonly description: string;
  readonly dashboard: string;
}

const HOST = ['job', 'instance'] as const;
const SPAWNER = ['job', 'instance', 'comm'] as const;

const SPAWNER_BOARD = `/d/${UIDS.spawner}?var-instance={{ $labels.instance | urlquery }}&var-comm={{ $labels.comm | urlquery }}`;
const EXPORTER_BOARD = `/d/${UIDS.exporter}?var-instance={{ $labels.instance | urlquery }}`;

const WHO = '{{ $labels.comm }} on {{ $labels.instance }}';

/** Every job has `up`. The job of a DaemonSet is named `namespace/forktax`. */
const OWN_JOBS = 'job=~".*forktax.*"';

export const ALERT_RULES: readonly AlertRule[] = [
  {
    alert: 'ForktaxStallHigh',
    expr: `${everything.quantile(0.99, 'forktax_spawn_stall_seconds', SPAWNER)} > ${STALL_P99_SECONDS}
and ${everything.rateOf('count', 'forktax_spawn_stall_seconds', SPAWNER)} > ${ENOUGH_SPAWNS_PER_SECOND}`,
    for: '10m',
    severity: 'warning',
    summary: `${WHO} stands still for {{ $value | humanizeDuration }} when it makes a process`,
    description: 'The 99th percentile of the stall of its spawns. While it lasts, the calling thread does nothing.',
    dashboard: SPAWNER_BOARD,
  },
  {
    alert: 'ForktaxTimeStoodStill',
    expr: `${everything.rateOf('sum', 'forktax_spawn_stall_seconds', SPAWNER)} > ${STOOD_STILL_SECONDS_PER_SECOND}`,
    for: '10m',
    severity: 'warning',
    summary: `${WHO} stands still for {{ $value | humanizeDuration }} of each second, making processes`,
    description: 'The stalls of all its spawns, added up over its threads and processes.',
    dashboard: SPAWNER_BOARD,
  },
  {
    alert: 'ForktaxSiblingsStandStill',
    expr: `${everything.rate('forktax_sibling_stall_seconds_total', SPAWNER)} > ${SIBLINGS_STOOD_STILL_SECONDS_PER_SECOND}`,
    for: '10m',
    severity: 'warning',
    summary: `Other threads of ${WHO} stand still for {{ $value | humanizeDuration }} of each second, because it forks`,
    description: 'While a fork copies a process, no other thread of it can map memory or fault.',
    dashboard: SPAWNER_BOARD,
  },
  {
    alert: 'ForktaxLargeFork',
    expr: largeFork(),
    severity: 'info',
    summary: `${WHO} forked with more than {{ ${LARGE_FORK_BYTES} | humanize1024 }}B of resident memory`,
    description:
      'In the last five minutes. Each such fork copies page tables for some 10 ms a GiB, and every page that is written after it.',
    dashboard: SPAWNER_BOARD,
  },
  {
    alert: 'ForktaxSpawnFailures',
    expr: `${failureRatio(everything, SPAWNER)} > ${SPAWN_FAILURE_RATIO}`,
    for: '5m',
    severity: 'critical',
    summary: `{{ $value | humanizePercentage }} of the spawns of ${WHO} fail`,
    description: 'fork, vfork, clone or clone3 return an error: a limit of processes or of memory is reached.',
    dashboard: SPAWNER_BOARD,
  },
  {
    alert: 'ForktaxExecFailures',
    expr: execFailures(),
    for: '10m',
    severity: 'warning',
    summary: `Children of ${WHO} fail to exec, with {{ $labels.errno }}`,
    description: '{{ $value | humanize }} failures a second, beyond the misses of a search along $PATH.',
    dashboard: SPAWNER_BOARD,
  },
  {
    alert: 'ForktaxLosses',
    expr: LOSSES.map(
      ({ name, legend }) => `label_replace(${everything.rate(name, HOST)}, "what", "${legend}", "", "") > 0`,
    ).join('\nor '),
    for: '10m',
    severity: 'warning',
    summary: 'forktax on {{ $labels.instance }} misses {{ $labels.what }}',
    description:
      '{{ $value | humanize }} a second have no place in its tables: their stalls, delays and faults are not counted.',
    dashboard: EXPORTER_BOARD,
  },
  {
    alert: 'ForktaxTableFull',
    expr: `max by (job, instance) (${everything.gauge('forktax_table_rows')} / ${everything.gauge('forktax_table_capacity')}) > ${TABLE_FULL_RATIO}
or ${everything.rate('forktax_table_folded_total', HOST)} > 0`,
    for: '15m',
    severity: 'warning',
    summary: 'The table of forktax on {{ $labels.instance }} is full',
    description: 'New spawners are charged to "(other)": sums stay whole, names are lost.',
    dashboard: EXPORTER_BOARD,
  },
  {
    alert: 'ForktaxCollectorDown',
    expr: `up{${OWN_JOBS}} == 0
or ${everything.gauge('forktax_up')} == 0
or absent(up{${OWN_JOBS}})`,
    for: '5m',
    severity: 'warning',
    summary: 'forktax on {{ $labels.instance }} does not measure',
    description: 'It does not answer Prometheus, or cannot read its tables, or no collector is scraped at all.',
    dashboard: EXPORTER_BOARD,
  },
];

/** Also finds the first fork of a spawner, which increase() does not see because its series begins with it. */
function largeFork(): string {
  const forks = everything.series('count', 'forktax_spawn_copied_rss_bytes', ['mechanism="fork"']);
  const small = everything.series('bucket', 'forktax_spawn_copied_rss_bytes', [
    'mechanism="fork"',
    `le="${formatBound(LARGE_FORK_BYTES)}"`,
  ]);
  const by = `sum by (${SPAWNER.join(', ')})`;
  const grown = `${by} (increase(${forks}[${everything.range}])) - ${by} (increase(${small}[${everything.range}]))`;
  const begun = `(${by} (${forks}) - ${by} (${small}) unless ${by} (${forks} offset ${everything.range}))`;
  const native = everything.series('native', 'forktax_spawn_copied_rss_bytes', ['mechanism="fork"']);
  const nativeGrown = largeOf(`${by} (increase(${native}[${everything.range}]))`);
  const nativeBegun = `(${largeOf(`${by} (${native})`)} unless ${by} (${native} offset ${everything.range}))`;
  // Extrapolation makes no fork out of none, but a subtraction may leave a rounding error.
  return `${grown} > 0.5\nor ${begun} > 0\nor ${nativeGrown} > 0.5\nor ${nativeBegun} > 0.5`;
}

/** Gives the number of large forks in a native histogram. The size is one of its bounds, so it is exact. */
function largeOf(histogram: string): string {
  return `histogram_count(${histogram}) * histogram_fraction(${LARGE_FORK_BYTES}, +Inf, ${histogram})`;
}

function execFailures(): string {
  const failures = (errno: '=' | '!=') =>
    everything.rate('forktax_exec_failures_total', [...SPAWNER, 'errno'], [`errno${errno}"ENOENT"`]);
  const execs = everything.rate('forktax_execs_total', SPAWNER);
  return `${failures('!=')} > ${EXEC_FAILURES_PER_SECOND}
or (
  ${failures('=')} > ${EXEC_FAILURES_PER_SECOND}
  and ${failures('=')} / on (${SPAWNER.join(', ')}) group_left () ${execs} > ${ENOENT_PER_EXEC}
)`;
}
