/** The clock that bpftrace's `nsecs` reads, in terms of Node's. */
import { readFileSync } from 'node:fs';
import { epochOffsetMs } from '../core/decode.ts';

/** Resolution of /proc/uptime, and some more for the time between two readings. */
const UNCERTAIN_MS = 50;

/** Milliseconds since the epoch when the boot clock was at 0: it goes on while the machine sleeps, monotonic does not. */
export function bootEpochMs(): number {
  const bootMs = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;
  const sleptMs = bootMs - Number(process.hrtime.bigint()) / 1e6;
  return epochOffsetMs() - (sleptMs < UNCERTAIN_MS ? 0 : sleptMs);
}
