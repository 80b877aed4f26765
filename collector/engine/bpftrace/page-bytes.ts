import { readFileSync } from 'node:fs';

/** Of the kernel; bytes. Without the native addon, which may be what is missing, the first mapping of this process tells. */
export function pageBytes(): number {
  const [, kilobytes = '4'] = /^KernelPageSize: +(\d+) kB$/m.exec(readFileSync('/proc/self/smaps', 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}
