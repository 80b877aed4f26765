/** Everything that an engine has counted up to one moment. */
import type { CostRow, FailureRow } from './rows.ts';

/** What could not be counted in its place, and how full the tables are. */
export interface Health {
  readonly eventsLost: number;
  readonly rowsFolded: number;
  readonly failuresFolded: number;
  readonly callsUntracked: number;
  readonly processesUntracked: number;
  readonly siblingWaitsUntracked: number;
  readonly cowFaultsUntimed: number;
  readonly processesTracked: number;
  readonly callsTracked: number;
  /** Room for `processesTracked`, and as much for `callsTracked`. */
  readonly processCapacity: number;
  /** How often an idle row left the table to make room. What it held is still among the rows. */
  readonly rowsEvicted: number;
  readonly tableRows: number;
  readonly tableCapacity: number;
}

/** Counts of what was lost. */
export const LOSSES = [
  'eventsLost',
  'rowsFolded',
  'failuresFolded',
  'callsUntracked',
  'processesUntracked',
  'siblingWaitsUntracked',
  'cowFaultsUntimed',
] as const satisfies readonly (keyof Health)[];

/** Nothing was lost, and nothing is in the tables. */
export const NO_HEALTH: Health = {
  eventsLost: 0,
  rowsFolded: 0,
  failuresFolded: 0,
  callsUntracked: 0,
  processesUntracked: 0,
  siblingWaitsUntracked: 0,
  cowFaultsUntimed: 0,
  processesTracked: 0,
  callsTracked: 0,
  processCapacity: 0,
  rowsEvicted: 0,
  tableRows: 0,
  tableCapacity: 0,
};

/** The kernel's statistics of one BPF program. Present only while kernel.bpf_stats_enabled is on. */
export interface ProgramCost {
  readonly program: string;
  readonly runs: number;
  readonly runNs: number;
  /** Runs that the kernel skipped because the program was already running on that CPU. */
  readonly missed: number;
}

export interface Snapshot {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly rows: readonly CostRow[];
  readonly failures: readonly FailureRow[];
  readonly health: Health;
  readonly programs: readonly ProgramCost[];
}
