/**
 * The columns of a cost row, once. Whatever reads, adds, shows or hides columns goes by this table; the fields of
 * `struct cost_row` in `probes/spawn.h` have the same names in C's spelling (`copyNs` is `copy_ns`), and a test compares.
 */
import { SIZE_BOUNDS_BYTES, TIME_BOUNDS_NS } from './bounds.ts';

/** Columns are absent in groups, because each group needs a hook. */
export const COLUMN_GROUPS = [
  'spawns', // task_newtask
  'stall', // entry and exit of the spawning calls; failed spawns too
  'exec', // sched_process_exec
  'execFailures', // exit of execve and execveat; no column of a row, but the failures of exec
  'lifetime', // sched_process_exit
  'faults', // page_fault_user
] as const;
export type ColumnGroup = (typeof COLUMN_GROUPS)[number];

/** Bounds of each kind of histogram, in the unit of its values: nanoseconds, bytes. */
export const HISTOGRAM_BOUNDS = { timeHistogram: TIME_BOUNDS_NS, sizeHistogram: SIZE_BOUNDS_BYTES } as const;
export type HistogramKind = keyof typeof HISTOGRAM_BOUNDS;

export interface CostColumn {
  readonly kind: 'counter' | HistogramKind;
  /** The column means something only where hooks feed all of these. */
  readonly needs: readonly ColumnGroup[];
}

/** Each is a total since the engine opened. None ever goes back. Units are in the names. */
export const COST_COLUMNS = {
  spawns: { kind: 'counter', needs: ['spawns'] },
  stall: { kind: 'timeHistogram', needs: ['stall'] },
  /** The copy part of the stalls in `stall`; their wait is `stall.sum - copyNs`. */
  copyNs: { kind: 'counter', needs: ['stall'] },
  copiedRss: { kind: 'sizeHistogram', needs: ['spawns'] },
  copiedPageTableBytes: { kind: 'counter', needs: ['spawns'] },
  cowFaultsParent: { kind: 'counter', needs: ['faults'] },
  cowFaultsChild: { kind: 'counter', needs: ['faults'] },
  /** User page faults of the child before its exec. */
  childFaults: { kind: 'counter', needs: ['faults'] },
  execDelay: { kind: 'timeHistogram', needs: ['exec'] },
  lifetime: { kind: 'timeHistogram', needs: ['lifetime'] },
  /** The stall of the spawns whose child exec'd. */
  execStallNs: { kind: 'counter', needs: ['stall', 'exec'] },
  /** How many spawns `execStallNs` is the stall of. */
  execStalls: { kind: 'counter', needs: ['stall', 'exec'] },
  /** The part of `execStallNs` that afork would have saved. */
  avoidableStallNs: { kind: 'counter', needs: ['stall', 'exec'] },
} as const satisfies Readonly<Record<string, CostColumn>>;

export type CostColumnName = keyof typeof COST_COLUMNS;
export type ColumnKind<Name extends CostColumnName> = (typeof COST_COLUMNS)[Name]['kind'];
export type HistogramColumnName = {
  [Name in CostColumnName]: ColumnKind<Name> extends HistogramKind ? Name : never;
}[CostColumnName];
