/**
 * The series that a fleet keeps. Each is named `level:metric:operations`; the level has the labels that remain. `instance` is
 * not among them, so a thousand hosts that run one program are as cheap as one. A global Prometheus needs nothing else.
 */
import { everything } from '../shared/scopes.ts';

interface RecordingRule {
  readonly record: string;
  readonly expr: string;
}

const RULES = [
  {
    record: 'job_comm_mechanism:forktax_spawns:rate5m',
    expr: everything.rate('forktax_spawns_total', ['job', 'comm', 'mechanism']),
  },
  {
    record: 'job_comm_mechanism:forktax_spawn_stall_seconds_sum:rate5m',
    expr: everything.rateOf('sum', 'forktax_spawn_stall_seconds', ['job', 'comm', 'mechanism']),
  },
  {
    // Quantiles cannot be added up; buckets can: histogram_quantile(0.99, sum by (le) (...)).
    record: 'job_comm_le:forktax_spawn_stall_seconds_bucket:rate5m',
    expr: everything.buckets('forktax_spawn_stall_seconds', ['job', 'comm', 'le']),
  },
  {
    // The same where histograms are native; the one above is empty there, and this one elsewhere.
    record: 'job_comm:forktax_spawn_stall_seconds:rate5m',
    expr: everything.native('forktax_spawn_stall_seconds', ['job', 'comm']),
  },
  {
    record: 'job_comm:forktax_spawn_copy_seconds:rate5m',
    expr: everything.rate('forktax_spawn_copy_seconds_total', ['job', 'comm']),
  },
  {
    record: 'job_comm:forktax_spawn_copied_rss_bytes_sum:rate5m',
    expr: everything.rateOf('sum', 'forktax_spawn_copied_rss_bytes', ['job', 'comm']),
  },
  {
    record: 'job_comm:forktax_avoidable_stall_seconds:rate5m',
    expr: everything.rate('forktax_avoidable_stall_seconds_total', ['job', 'comm']),
  },
  {
    record: 'job_comm_role:forktax_cow_faults:rate5m',
    expr: everything.rate('forktax_cow_faults_total', ['job', 'comm', 'role']),
  },
  {
    record: 'job_comm_errno:forktax_spawn_failures:rate5m',
    expr: everything.rate('forktax_spawn_failures_total', ['job', 'comm', 'errno']),
  },
  {
    record: 'job_comm_errno:forktax_exec_failures:rate5m',
    expr: everything.rate('forktax_exec_failures_total', ['job', 'comm', 'errno']),
  },
  { record: 'job:forktax_up:sum', expr: `sum by (job) (${everything.gauge('forktax_up')})` },
] as const satisfies readonly RecordingRule[];

export type RecordedName = (typeof RULES)[number]['record'];

export const RECORDING_RULES: readonly RecordingRule[] = RULES;
