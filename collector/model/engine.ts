/**
 * What every engine gives, whichever source it reads: a snapshot of the cost table, and a stream of spawn events.
 * Nothing above this folder knows which engine runs.
 */

/** From the clone flags; `docs/architecture.md` has the definitions. */
export const MECHANISMS = ['fork', 'vfork', 'afork'] as const;
export type Mechanism = (typeof MECHANISMS)[number];

/** `unknown`: the call began before the probes did, or no hook told. */
export const SYSCALLS = ['unknown', 'fork', 'vfork', 'clone', 'clone3'] as const;
export type SpawnSyscall = (typeof SYSCALLS)[number];

/** The `comm` of the rows that hold whatever had no place in the table. */
export const OTHER = '(other)';

/** What else than comm, mechanism and syscall tells rows apart. */
export type RowLabel = 'none' | 'cgroup' | 'pid';

/**
 * What a row's `comm` is. `comm`: the name of the spawner's leader thread, as `ps` shows it. `exe`: the file name of its
 * executable, cut to 15 bytes as a comm is; for runtimes that rename their main thread, as Node.js from 24 on does.
 */
export const NAMINGS = ['comm', 'exe'] as const;
export type Naming = (typeof NAMINGS)[number];

/** Groups of columns that stand or fall with a hook. */
export const COLUMNS = [
  'spawns', // spawns, copied RSS, copied page tables: task_newtask
  'stall', // stall, copy, spawn failures: entry and exit of the spawning calls
  'exec', // exec delay, avoidable stall: sched_process_exec
  'execFailures', // exit of execve and execveat
  'lifetime', // sched_process_exit
  'faults', // CoW faults and the child's faults: page_fault_user
] as const;
export type Column = (typeof COLUMNS)[number];

/**
 * Counts in each bucket, not cumulative: `counts[i]` holds values <= `bounds[i]` of `ledger/bounds.ts`, the last what
 * lies above all bounds. `sum` is in nanoseconds for times, in bytes for sizes.
 */
export interface Histogram {
  readonly counts: ArrayLike<number>;
  readonly sum: number;
}

export interface CostKey {
  readonly comm: string;
  readonly mechanism: Mechanism;
  readonly syscall: SpawnSyscall;
  /** Cgroup id or pid, decimal, where the engine was opened with that label. */
  readonly id?: string;
}

export interface SlowestSpawn {
  readonly pid: number;
  readonly stallNs: number;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
}

/** Totals since the engine opened; none ever goes back. Sizes in bytes. */
export interface CostRow extends CostKey {
  readonly spawns: number;
  readonly stall: Histogram;
  /** Of the spawns counted in `stall`; their wait is `stall.sum - copyNs`. */
  readonly copyNs: number;
  readonly copiedRss: Histogram;
  readonly copiedPageTableBytes: number;
  readonly cowFaultsParent: number;
  readonly cowFaultsChild: number;
  readonly childFaults: number;
  readonly execDelay: Histogram;
  readonly lifetime: Histogram;
  /** Stall of the spawns whose child exec'd, how many those are, and what of it afork would have saved. */
  readonly execStallNs: number;
  readonly execStalls: number;
  readonly avoidableStallNs: number;
  readonly slowest?: SlowestSpawn;
}

export interface FailureRow {
  /** `spawn`: the call itself. `exec`: the exec of a child that had not exec'd yet, charged to its spawner. */
  readonly kind: 'spawn' | 'exec';
  readonly comm: string;
  readonly syscall: SpawnSyscall;
  readonly id?: string;
  /** Positive. */
  readonly errno: number;
  readonly count: number;
}

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

/** One hook of the engine, attached or not. */
export interface Hook {
  readonly name: string;
  readonly attached: boolean;
  /** Why not, for a person; absent when attached. */
  readonly reason?: string;
  readonly columns: readonly Column[];
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

interface EventBase {
  /** Milliseconds since the epoch, with a fraction. */
  readonly atMs: number;
  /** The spawner's pid, and the thread of it that called. */
  readonly pid: number;
  readonly tid: number;
  readonly comm: string;
  readonly mechanism: Mechanism;
  readonly syscall: SpawnSyscall;
  readonly cgroup: string;
}
export interface SpawnEvent extends EventBase {
  readonly kind: 'spawn';
  readonly child: number;
  /** Both absent when the spawning calls could not be seen. */
  readonly stallNs?: number;
  readonly copyNs?: number;
  readonly copiedRssBytes: number;
  readonly copiedPageTableBytes: number;
}
/** `mechanism` is not known of a clone3 that failed before its flags could be read; it then says `fork`. */
export interface SpawnFailureEvent extends EventBase {
  readonly kind: 'spawn-failure';
  readonly stallNs: number;
  readonly errno: number;
}
export interface ExecEvent extends EventBase {
  readonly kind: 'exec';
  readonly child: number;
  readonly delayNs: number;
  readonly file: string;
}
export interface ExecFailureEvent extends EventBase {
  readonly kind: 'exec-failure';
  readonly child: number;
  readonly delayNs: number;
  readonly file: string;
  readonly errno: number;
}
export interface ExitEvent extends EventBase {
  readonly kind: 'exit';
  readonly child: number;
  readonly lifetimeNs: number;
  /** Exit status, or 128 + signal as a shell says it. */
  readonly status: number;
  readonly execSeen: boolean;
}
export type EngineEvent = SpawnEvent | SpawnFailureEvent | ExecEvent | ExecFailureEvent | ExitEvent;

/** Where the spawning calls are seen; `auto` takes the first that works, in this order. */
export const CALL_HOOKS = ['fentry', 'syscalls', 'raw'] as const;
export type CallHook = (typeof CALL_HOOKS)[number];

export interface EngineOptions {
  /** Rows for spawners: the table's capacity. */
  readonly maxSpawners: number;
  readonly label: RowLabel;
  readonly nameBy: Naming;
  readonly callHook: CallHook | 'auto';
  /** Hook names that must not be attached. */
  readonly withoutHooks: readonly string[];
  /** Only these; all of them must hold. */
  readonly filter: {
    /** The name, whichever `nameBy` gives. */
    readonly comm?: string;
    /** Thread-group id of the spawner. */
    readonly pid?: number;
    /** With `pid`: its descendants too, as far as each spawner in between passes the other filters. */
    readonly follow?: boolean;
    /** Cgroup id, decimal; the very cgroup, not those below it. */
    readonly cgroup?: string;
  };
  /** Ring buffer, bytes: a power of two, at least a page. */
  readonly ringBytes: number;
  /** A row unused for so long may be folded into `(other)` when the table is nearly full. */
  readonly idleMs: number;
  /** What one afork costs here; the stall beyond it is avoidable. */
  readonly aforkCostNs: number;
}

export const DEFAULT_ENGINE_OPTIONS: EngineOptions = {
  maxSpawners: 1024,
  label: 'none',
  nameBy: 'comm',
  callHook: 'auto',
  withoutHooks: [],
  filter: {},
  ringBytes: 1 << 20,
  idleMs: 600_000,
  aforkCostNs: 25_000,
};

/** Which engine is asked for; `auto` takes core, and bpftrace where core cannot run. */
export const ENGINES = ['auto', 'core', 'bpftrace'] as const;
export type EngineChoice = (typeof ENGINES)[number];

/** What happened while it was down is not counted; its restarts tell of it. */
export interface Source {
  /** How often it ended or fell silent, and was started again. */
  readonly restarts: number;
  /** Why nothing is measured now; absent while it runs. */
  readonly down?: string;
}

export interface Engine {
  readonly name: 'core' | 'bpftrace' | 'replay';
  /** Which of the three ways sees the spawning calls; absent when none does. */
  readonly callHook?: CallHook;
  readonly hooks: readonly Hook[];
  readonly label: RowLabel;
  snapshot(): Snapshot;
  /**
   * Calls `onEvents` with each batch until the returned function is called. The kernel writes events only while
   * somebody is subscribed. Order is that of the kernel's ring.
   */
  subscribe(onEvents: (events: readonly EngineEvent[]) => void): () => void;
  /** Of an engine whose source is another process. */
  readonly source?: Source;
  /**
   * Resolves when the next snapshot holds what has happened up to now; with `faults`, all of their faults too. Absent:
   * it always does.
   */
  settle?(options?: { readonly faults?: boolean }): Promise<void>;
  /** Detaches everything. Idempotent. */
  close(): void;
}

/** Columns that no attached hook feeds: absent from every output, with the reason. */
export function absentColumns(hooks: readonly Hook[]): ReadonlyMap<Column, string> {
  const absent = new Map<Column, string>();
  for (const column of COLUMNS) {
    const feeding = hooks.filter((hook) => hook.columns.includes(column));
    const missing = feeding.find((hook) => !hook.attached);
    if (feeding.length > 0 && missing) absent.set(column, `${missing.name}: ${missing.reason ?? 'not attached'}`);
  }
  return absent;
}
