/** The kernel's statistics of BPF programs. They cost some 20 ns for each run, part of which they count. */
import { readFileSync, writeFileSync } from 'node:fs';

const STATISTICS = '/proc/sys/kernel/bpf_stats_enabled';

/** Turns the statistics on, and restores them however this ends. */
export async function withStatistics<T>(work: () => Promise<T>): Promise<T> {
  const before = readFileSync(STATISTICS, 'utf8');
  const restore = (): void => writeFileSync(STATISTICS, before);
  const interrupted = (): void => process.exit(130); // this runs the handlers of `exit`
  process.once('exit', restore);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, interrupted);
  writeFileSync(STATISTICS, '1');
  try {
    return await work();
  } finally {
    restore();
    process.off('exit', restore);
    for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, interrupted);
  }
}
