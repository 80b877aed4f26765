/** When somebody should look, in one place: alerts, their tests, runbooks and the colours of dashboards follow it. */

/** A person notices, and a health check with the usual time-out of 1 s has lost a tenth of it. */
export const STALL_P99_SECONDS = 0.1;

/** Not alerted, only coloured: a request that spawns is visibly slower than one that does not. */
export const STALL_P99_NOTICEABLE_SECONDS = 0.02;

/** Of one spawner on one host: a tenth of a thread's time is gone. */
export const STOOD_STILL_SECONDS_PER_SECOND = 0.1;

/** A bound of the histogram: `forktax_spawn_copied_rss_bytes_bucket` can tell exactly what is above. Copying 1 GiB takes some 10 ms. */
export const LARGE_FORK_BYTES = 1 << 30;

/** Of all spawning calls. They fail when a limit or memory is reached, and then rarely only once. */
export const SPAWN_FAILURE_RATIO = 0.01;

/** A second, of one errno. Not ENOENT: a search along $PATH ends in it for each folder that has no such file. */
export const EXEC_FAILURES_PER_SECOND = 0.1;

/** ENOENTs for one successful exec. $PATH seldom has so many folders, so some children find no program at all. */
export const ENOENT_PER_EXEC = 30;

/** Of --max-spawners. Idle rows make room before; what has none is charged to "(other)". */
export const TABLE_FULL_RATIO = 0.9;

/** Stalls below this many a second say little about a 99th percentile. */
export const ENOUGH_SPAWNS_PER_SECOND = 0.05;
