/** Where the kernel's tracepoints are listed. */
import { existsSync } from 'node:fs';

/** Linux mounts it in the second place by itself where debugfs is mounted. */
const PLACES = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'] as const;

/** Undefined where it is not mounted, or may not be read. */
export function tracefs(): string | undefined {
  return PLACES.find((path) => existsSync(`${path}/events`));
}
