/** Queries for the number of collectors that measure, and that do not. A collector that is down has no metric of its own. */
import { fleet, wholeRange } from './scopes.ts';

export const measuring = `(sum(${fleet.gauge('forktax_up')}) or vector(0))`;

/** Counts collectors that are down, in jobs that had a collector in the time shown: every job has `up`. */
export const notMeasuring = `count(${fleet.foreign('up')} and on (job) max_over_time(${wholeRange.gauge('forktax_up')}[${wholeRange.range}])) - ${measuring}`;
