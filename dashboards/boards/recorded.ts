/** PromQL about recorded series of a fleet. */
import type { RecordedName } from '../rules/recording.ts';

/** Sums a recorded series over the chosen jobs and spawners. Each shard of a fleet has recorded its own part. */
export function recorded(name: RecordedName, by: readonly string[] = [], where: readonly string[] = []): string {
  const comm = name.startsWith('job_comm') ? ['comm=~"$comm"'] : [];
  const selector = `${name}{${['job=~"$job"', ...comm, ...where].join(', ')}}`;
  return by.length === 0 ? `sum(${selector})` : `sum by (${by.join(', ')}) (${selector})`;
}

export const recordedQuantile = (quantile: number, by: readonly string[] = []): string =>
  `histogram_quantile(${quantile}, ${recorded('job_comm_le:forktax_spawn_stall_seconds_bucket:rate5m', ['le', ...by])})`;
