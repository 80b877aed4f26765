/** The metrics of spawn costs in groups, for --metrics. `forktax_spawns_total` is in none: it is always there. */
export const METRIC_GROUPS = [
  'stall',
  'siblings',
  'copy',
  'faults',
  'failures',
  'cow-time',
  'sibling-wait',
  'exec-delay',
  'lifetime',
] as const;
export type MetricGroup = (typeof METRIC_GROUPS)[number];

/** What the shipped alerts use, and the dashboards but for one row. */
export const DEFAULT_METRIC_GROUPS: readonly MetricGroup[] = ['stall', 'siblings', 'copy', 'faults', 'failures'];
