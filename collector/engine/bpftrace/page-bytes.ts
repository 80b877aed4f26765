import { readFileSync } from 'node:fs';

/** Gives the kernel's page size in bytes. Without the native addon, it is read from the first mapping of this process. */
export function pageBytes(): number {
  const [, kilobytes = '4'] = /^KernelPageSize: +(\d+) kB$/m.exec(readFileSync('/proc/self/smaps', 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}
