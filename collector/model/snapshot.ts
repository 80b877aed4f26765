/** What an engine has counted at one moment. */
import type { CostRow, FailureRow } from './rows.ts';

/** What could not be counted where it belongs, and how full the tables are. */
export interface Health {
  readonly eventsLost: number;
  readonly rowsFolded: number;
  readonly failuresFolded: number;
  readonly callsUntracked: number;
  readonly processesUntracked: number;
  readonly processesTracked: number;
  readonly callsTracked: number;
  /** Rows that were idle and gave way; their counts went to `(other)`. */
  readonly rowsEvicted: number;
  readonly tableRows: number;
  readonly tableCapacity: number;
}

/** The kernel's own figures for one BPF program; only where its statistics are on. */
export interface ProgramCost {
  readonly program: string;
  readonly runs: number;
  readonly runNs: number;
  /** Runs that the kernel skipped because the program was already running there. */
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
