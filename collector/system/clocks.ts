/** Converts the kernel's clocks to time since the epoch. */
import { readFileSync } from 'node:fs';

let knownOffsetMs = 0;

/**
 * Gives the milliseconds to add to the kernel's monotonic clock to get the time since the epoch. The value is kept while
 * it changes by less than 10 ms, because Date.now() has no fractions and a spawn must have the same time in every
 * snapshot. Otherwise Prometheus would take its exemplar for a new one.
 */
export function epochOffsetMs(): number {
  const nowMs = Date.now() - Number(process.hrtime.bigint()) / 1e6;
  if (Math.abs(nowMs - knownOffsetMs) > 10) knownOffsetMs = nowMs;
  return knownOffsetMs;
}

/** The resolution of /proc/uptime, plus some time between two readings. */
const UNCERTAIN_MS = 50;

/**
 * Gives the milliseconds since the epoch when the boot clock, bpftrace's `nsecs`, was at 0. Unlike the monotonic clock, it
 * runs on while the machine sleeps.
 */
export function bootEpochMs(): number {
  const bootMs = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;
  const sleptMs = bootMs - Number(process.hrtime.bigint()) / 1e6;
  return epochOffsetMs() - (sleptMs < UNCERTAIN_MS ? 0 : sleptMs);
}
