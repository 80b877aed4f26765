/** The thresholds of alerts, their tests, runbooks and the colours of dashboards. */

/** People notice such a stall. It also takes a tenth of the usual time-out of a health check, 1 s. */
export const STALL_P99_SECONDS = 0.1;

/** This changes only a colour: a request that spawns is visibly slower than one that does not. */
export const STALL_P99_NOTICEABLE_SECONDS = 0.02;

/** For one spawner on one host: a tenth of a thread's time is lost. */
export const STOOD_STILL_SECONDS_PER_SECOND = 0.1;

/** For one spawner on one host: so much of its other threads' time is lost to its forks. */
export const SIBLINGS_STOOD_STILL_SECONDS_PER_SECOND = 0.1;

/** A bound of the histogram: `forktax_spawn_copied_rss_bytes_bucket` can tell exactly what is above. Copying 1 GiB takes some 10 ms. */
export const LARGE_FORK_BYTES = 1 << 30;

/** The share of all spawning calls that fail. They fail at a limit or without memory, and then usually more than once. */
export const SPAWN_FAILURE_RATIO = 0.01;

/** Failures per second with one errno other than ENOENT. A search along $PATH gets ENOENT for each folder without the file. */
export const EXEC_FAILURES_PER_SECOND = 0.1;

/** The number of ENOENTs for one successful exec. $PATH seldom has so many folders, so some children find no program. */
export const ENOENT_PER_EXEC = 30;

/** The share of --max-spawners. Idle rows are removed before that; costs that find no row are charged to "(other)". */
export const TABLE_FULL_RATIO = 0.9;

/** With fewer stalls per second than this, a 99th percentile means little. */
export const ENOUGH_SPAWNS_PER_SECOND = 0.05;
