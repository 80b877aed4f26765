import type { ColumnGroup } from '../model/columns.ts';

/** What is missing without the hook. */
export const COLUMN_NAMES: Readonly<Record<ColumnGroup, string>> = {
  spawns: 'spawns',
  stall: 'stalls and failed spawns',
  exec: 'execs',
  execFailures: 'failed execs',
  lifetime: 'ends of children',
  faults: 'page faults',
};
