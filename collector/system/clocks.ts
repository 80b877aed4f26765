/**
 * Converts the kernel's clocks to time since the epoch. Its clocks are those of the initial time namespace. This process
 * may be in another one, whose clocks are ahead or behind (time_namespaces(7)).
 */
import { readFileSync } from 'node:fs';
import { tryReadText } from './files.ts';

interface ClockOffsets {
  readonly monotonicNs: bigint;
  readonly bootNs: bigint;
}

/** Gives what /proc/PID/timens_offsets says: how far a namespace's clocks are ahead of the kernel's. */
export function parseClockOffsets(text: string): ClockOffsets {
  const offsetOf = (clock: string): bigint => {
    const [, seconds = '0', nanoseconds = '0'] = new RegExp(`^${clock}\\s+(-?\\d+)\\s+(\\d+)`, 'm').exec(text) ?? [];
    return BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
  };
  return { monotonicNs: offsetOf('monotonic'), bootNs: offsetOf('boottime') };
}

let knownClockOffsets: ClockOffsets | undefined;

/** A process stays in its time namespace. Kernels without such namespaces have no such file. */
function clockOffsets(): ClockOffsets {
  return (knownClockOffsets ??= parseClockOffsets(tryReadText('/proc/self/timens_offsets')));
}

/** Gives the kernel's own monotonic clock, bpf_ktime_get_ns(), in nanoseconds. */
export function kernelMonotonicNs(): bigint {
  return process.hrtime.bigint() - clockOffsets().monotonicNs;
}

/** Gives the kernel's own boot clock in nanoseconds, to 10 ms. It runs on while the machine sleeps. */
function kernelBootNs(): bigint {
  const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  return BigInt(Math.round(uptime * 1e9)) - clockOffsets().bootNs;
}

let knownEpochOffsetMs = 0;

/**
 * Gives the milliseconds to add to the kernel's monotonic clock to get the time since the epoch. The value is kept while
 * it changes by less than 10 ms, because Date.now() has no fractions and a spawn must have the same time in every
 * snapshot. Otherwise Prometheus would take its exemplar for a new one.
 */
export function epochOffsetMs(): number {
  const nowMs = Date.now() - Number(kernelMonotonicNs()) / 1e6;
  if (Math.abs(nowMs - knownEpochOffsetMs) > 10) knownEpochOffsetMs = nowMs;
  return knownEpochOffsetMs;
}

/** Converts a reading of this namespace's monotonic clock, `process.hrtime`, to milliseconds since the epoch. */
export function monotonicEpochMs(ns: number): number {
  return (ns - Number(clockOffsets().monotonicNs)) / 1e6 + epochOffsetMs();
}

/** The resolution of /proc/uptime, plus some time between two readings. */
const UNCERTAIN_MS = 50;

/**
 * Gives the milliseconds since the epoch when the boot clock, bpftrace's `nsecs`, was at 0. Unlike the monotonic clock, it
 * runs on while the machine sleeps.
 */
export function bootEpochMs(): number {
  const sleptMs = Number(kernelBootNs() - kernelMonotonicNs()) / 1e6;
  return epochOffsetMs() - (sleptMs < UNCERTAIN_MS ? 0 : sleptMs);
}
