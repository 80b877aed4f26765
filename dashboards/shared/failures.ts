/** Queries about failed spawns. */
import type { Matcher, Queries } from './query.ts';

/** The kernel starts a fork again that a signal interrupted. That costs time, but it is not a failure. */
export const FAILED: Matcher<'forktax_spawn_failures_total'> = 'errno!="ERESTARTNOINTR"';

type By = readonly ('job' | 'instance' | 'comm')[];

/** Gives the share of all spawning calls that fail. A spawner whose calls all fail has no spawns. */
export function failureRatio(queries: Queries, by: By = []): string {
  const failed = queries.rate('forktax_spawn_failures_total', by, [FAILED]);
  return `${failed} / (${failed} + ${queries.rate('forktax_spawns_total', by)} or ${failed})`;
}
