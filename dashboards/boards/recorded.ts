/** PromQL about recorded series of a fleet. */
import { eitherQuantile } from '../shared/query.ts';
import type { RecordedName } from '../rules/recording.ts';

/** Sums a recorded series over the chosen jobs and spawners. Each shard of a fleet has recorded its own part. */
export function recorded(name: RecordedName, by: readonly string[] = [], where: readonly string[] = []): string {
  const comm = name.startsWith('job_comm') ? ['comm=~"$comm"'] : [];
  const selector = `${name}{${['job=~"$job"', ...comm, ...where].join(', ')}}`;
  return by.length === 0 ? `sum(${selector})` : `sum by (${by.join(', ')}) (${selector})`;
}

const NATIVE = 'job_comm:forktax_spawn_stall_seconds:rate5m';
const CLASSIC = 'job_comm_le:forktax_spawn_stall_seconds_bucket:rate5m';

export const recordedQuantile = (quantile: number, by: readonly string[] = []): string =>
  eitherQuantile(quantile, recorded(NATIVE, by), recorded(CLASSIC, ['le', ...by]));

/** Gives the buckets of all stalls, for a heat map. */
export const recordedHeatmap = (): string =>
  `${recorded(NATIVE)} or (${recorded(CLASSIC, ['le'])} unless on () ${recorded(NATIVE)})`;
