/**
 * The columns of a cost row. All code that reads, adds, shows or hides columns uses this table. The fields of
 * `struct cost_row` in `probes/spawn.h` have the same names in C's spelling (`copyNs` is `copy_ns`); a test compares them.
 */
import type { HistogramKind } from './bounds.ts';

/** The groups of columns. Each group needs a hook, so the columns of a group are absent together. */
export const COLUMN_GROUPS = [
  'spawns', // task_newtask
  'stall', // entry and exit of the spawning calls; also failed spawns
  'exec', // sched_process_exec
  'execFailures', // exit of execve and execveat; the table of failures, not a column of a row
  'lifetime', // sched_process_exit
  'faults', // page_fault_user
  'cowFaultTimes', // exit of do_wp_page
  'siblings', // lock:contention_begin, lock:contention_end
] as const;
export type ColumnGroup = (typeof COLUMN_GROUPS)[number];

/** What nobody misses who has not asked for it: its hook costs too much for all. */
export const ON_REQUEST: ReadonlySet<ColumnGroup> = new Set<ColumnGroup>(['cowFaultTimes']);

export interface CostColumn {
  readonly kind: 'counter' | HistogramKind;
  /** The column has a meaning only if attached hooks feed all of these groups. */
  readonly needs: readonly ColumnGroup[];
}

/** Each column is a total since the engine was opened, and never decreases. The names have the units. */
export const COST_COLUMNS = {
  spawns: { kind: 'counter', needs: ['spawns'] },
  stall: { kind: 'timeHistogram', needs: ['stall'] },
  /** The copy part of all stalls. The wait part is `stall.sum - copyNs`. */
  copyNs: { kind: 'counter', needs: ['stall'] },
  copiedRss: { kind: 'sizeHistogram', needs: ['spawns'] },
  copiedPageTableBytes: { kind: 'counter', needs: ['spawns'] },
  cowFaultsParent: { kind: 'counter', needs: ['faults'] },
  cowFaultsChild: { kind: 'counter', needs: ['faults'] },
  /** How long these faults took. */
  cowFaultsParentNs: { kind: 'counter', needs: ['faults', 'cowFaultTimes'] },
  cowFaultsChildNs: { kind: 'counter', needs: ['faults', 'cowFaultTimes'] },
  /** User page faults of children before their exec. */
  childFaults: { kind: 'counter', needs: ['faults'] },
  execDelay: { kind: 'timeHistogram', needs: ['exec'] },
  lifetime: { kind: 'lifetimeHistogram', needs: ['lifetime'] },
  /** How long other threads of the spawner waited for its memory map while a fork copied it. */
  siblingWait: { kind: 'timeHistogram', needs: ['siblings', 'stall'] },
  /** The stall of the spawns whose child called exec successfully. */
  execStallNs: { kind: 'counter', needs: ['stall', 'exec'] },
  /** The number of spawns in `execStallNs`. */
  execStalls: { kind: 'counter', needs: ['stall', 'exec'] },
  /** The part of `execStallNs` that afork would have saved. */
  avoidableStallNs: { kind: 'counter', needs: ['stall', 'exec'] },
} as const satisfies Readonly<Record<string, CostColumn>>;

export type CostColumnName = keyof typeof COST_COLUMNS;
export type ColumnKind<Name extends CostColumnName> = (typeof COST_COLUMNS)[Name]['kind'];
export type HistogramColumnName = {
  [Name in CostColumnName]: ColumnKind<Name> extends HistogramKind ? Name : never;
}[CostColumnName];
export type CounterColumnName = Exclude<CostColumnName, HistogramColumnName>;
