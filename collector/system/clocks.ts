/** The kernel's clocks in terms of the time since the epoch. */
import { readFileSync } from 'node:fs';

let knownOffsetMs = 0;

/**
 * Milliseconds to add to the kernel's monotonic clock to get those since the epoch. Kept while it moves by less than
 * 10: Date.now() has no fractions, and a spawn must have the same time in every snapshot, or Prometheus takes its
 * exemplar for another one.
 */
export function epochOffsetMs(): number {
  const nowMs = Date.now() - Number(process.hrtime.bigint()) / 1e6;
  if (Math.abs(nowMs - knownOffsetMs) > 10) knownOffsetMs = nowMs;
  return knownOffsetMs;
}

/** Resolution of /proc/uptime, and some more for the time between two readings. */
const UNCERTAIN_MS = 50;

/**
 * Milliseconds since the epoch when the boot clock, bpftrace's `nsecs`, was at 0. It goes on while the machine sleeps,
 * as the monotonic clock does not.
 */
export function bootEpochMs(): number {
  const bootMs = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;
  const sleptMs = bootMs - Number(process.hrtime.bigint()) / 1e6;
  return epochOffsetMs() - (sleptMs < UNCERTAIN_MS ? 0 : sleptMs);
}
