/** The CPUs of this machine, by number. */
import { readFileSync } from 'node:fs';

/** Reads CPU numbers from a list in sysfs, such as `0-3,8`. */
function cpuList(name: 'possible' | 'online'): number[] {
  const text = readFileSync(`/sys/devices/system/cpu/${name}`, 'utf8').trim();
  return text.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

export const possibleCpus = () => Math.max(...cpuList('possible')) + 1;
export const onlineCpus = () => cpuList('online');
