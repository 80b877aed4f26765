/** What counts as a failed spawn. */
import type { Matcher, Queries } from './query.ts';

/** A fork that a signal interrupted is started again by the kernel: it costs time, and fails nothing. */
export const FAILED: Matcher<'forktax_spawn_failures_total'> = 'errno!="ERESTARTNOINTR"';

type By = readonly ('job' | 'instance' | 'comm')[];

/** Of all spawning calls. Who only fails has no spawns at all. */
export function failureRatio(queries: Queries, by: By = []): string {
  const failed = queries.rate('forktax_spawn_failures_total', by, [FAILED]);
  return `${failed} / (${failed} + ${queries.rate('forktax_spawns_total', by)} or ${failed})`;
}
