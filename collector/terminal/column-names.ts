import type { Column } from '../model/engine.ts';

/** What is missing without the hook. */
export const COLUMN_NAMES: Readonly<Record<Column, string>> = {
  spawns: 'spawns',
  stall: 'stalls and failed spawns',
  exec: 'execs',
  execFailures: 'failed execs',
  lifetime: 'ends of children',
  faults: 'page faults',
};
