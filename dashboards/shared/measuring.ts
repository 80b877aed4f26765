/** How many collectors measure, and how many do not. One that is down does not say that it is. */
import { fleet, wholeRange } from './scopes.ts';

export const measuring = `(sum(${fleet.gauge('forktax_up')}) or vector(0))`;

/** Of the jobs that had any collector in the time shown: `up` is of every job. */
export const notMeasuring = `count(${fleet.foreign('up')} and on (job) max_over_time(${wholeRange.gauge('forktax_up')}[${wholeRange.range}])) - ${measuring}`;
