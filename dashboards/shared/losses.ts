/** What the probes can miss. Lost events are not included, because no metric depends on them. */
import type { Counter } from './query.ts';

interface Loss {
  readonly name: Counter;
  readonly legend: string;
  readonly meaning: string;
}

export const LOSSES: readonly Loss[] = [
  {
    name: 'forktax_calls_untracked_total',
    legend: 'calls',
    meaning: 'spawns without a stall, because the table of calls under way was full.',
  },
  {
    name: 'forktax_sibling_waits_untracked_total',
    legend: 'sibling waits',
    meaning: 'waits of sibling threads that are in no metric, because their table was full.',
  },
  {
    name: 'forktax_cow_faults_untimed_total',
    legend: 'copy-on-write faults',
    meaning: 'copy-on-write faults without a time, because the table of those under way was full.',
  },
  {
    name: 'forktax_processes_untracked_total',
    legend: 'processes',
    meaning: 'children without exec delay, lifetime and faults, because their table was full.',
  },
];
