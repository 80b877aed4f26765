/** Finds tracefs, where the kernel lists its tracepoints. */
import { existsSync } from 'node:fs';

/** Where debugfs is mounted, Linux mounts tracefs at the second place by itself. */
const PLACES = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'] as const;

/** Gives undefined if tracefs is not mounted or may not be read. */
export function tracefs(): string | undefined {
  return PLACES.find((path) => existsSync(`${path}/events`));
}
