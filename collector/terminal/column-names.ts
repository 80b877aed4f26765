import type { ColumnGroup } from '../model/columns.ts';

/** What people call each group of columns. */
export const COLUMN_NAMES: Readonly<Record<ColumnGroup, string>> = {
  spawns: 'spawns',
  stall: 'stalls and failed spawns',
  exec: 'execs',
  execFailures: 'failed execs',
  lifetime: 'lifetimes of children',
  faults: 'page faults',
  cowFaultTimes: 'time of copy-on-write faults',
  siblings: 'waits of sibling threads',
};
