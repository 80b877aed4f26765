/** What an engine is opened with. */
import type { CallHook } from './hooks.ts';

/** What else than comm, mechanism and syscall tells rows apart. */
export type RowLabel = 'none' | 'cgroup' | 'pid';

/**
 * What a row's `comm` is. `comm`: the name of the spawner's leader thread, as `ps` shows it. `exe`: the file name of its
 * executable, cut to 15 bytes as a comm is; for runtimes that rename their main thread, as Node.js from 24 on does.
 */
export const NAMINGS = ['comm', 'exe'] as const;
type Naming = (typeof NAMINGS)[number];

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
