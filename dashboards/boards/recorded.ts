/** PromQL about what the recording rules leave of a fleet. */
import type { RecordedName } from '../rules/recording.ts';

/** Of the jobs and spawners chosen. Each shard of a fleet has recorded its own part, so there is always something to add up. */
export function recorded(name: RecordedName, by: readonly string[] = [], where: readonly string[] = []): string {
  const comm = name.startsWith('job_comm') ? ['comm=~"$comm"'] : [];
  const selector = `${name}{${['job=~"$job"', ...comm, ...where].join(', ')}}`;
  return by.length === 0 ? `sum(${selector})` : `sum by (${by.join(', ')}) (${selector})`;
}

export const recordedQuantile = (quantile: number, by: readonly string[] = []): string =>
  `histogram_quantile(${quantile}, ${recorded('job_comm_le:forktax_spawn_stall_seconds_bucket:rate5m', ['le', ...by])})`;
