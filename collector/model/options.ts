/** What an engine is opened with. */
import { CALL_HOOKS, type CallHook } from './hooks.ts';
import { NAMINGS, type Naming } from './naming.ts';

/** What tells rows apart besides comm, mechanism and syscall. */
export const ROW_LABELS = ['none', 'cgroup', 'pid'] as const;
export type RowLabel = (typeof ROW_LABELS)[number];

/** What a cgroup may be shown as: its path, or one of the names that people have for it. */
export const LABEL_CHOICES = ['none', 'cgroup', 'unit', 'container', 'pod', 'pid'] as const;
export type LabelChoice = (typeof LABEL_CHOICES)[number];

/** The kernel knows cgroups; units, containers and pods are names of them. */
export function rowLabelOf(choice: LabelChoice): RowLabel {
  return choice === 'unit' || choice === 'container' || choice === 'pod' ? 'cgroup' : choice;
}

/** What is copied of the stacks of spawning threads. */
export interface StackOptions {
  /** At most so many bytes of each: a multiple of 4 KiB, up to 64 KiB. */
  readonly bytes: number;
  /** At most so many stacks a second, over all threads. */
  readonly perSecond: number;
}

/** What `sites`, `record --stacks` and `serve --web.enable-sites` copy unless told otherwise. */
export const DEFAULT_STACK_OPTIONS: StackOptions = { bytes: 16_384, perSecond: 200 };

/**
 * What events carry only if it is asked for: `arguments`, the command lines of children that exec; `ancestors`, the parent
 * of a spawner, its parent and so on.
 */
export const EVENT_DETAILS = ['arguments', 'ancestors'] as const;
export type EventDetail = (typeof EVENT_DETAILS)[number];

export interface EngineOptions {
  /** The capacity of the table of spawn costs, in rows. */
  readonly maxSpawners: number;
  /**
   * How many children and spawners can be followed at once, and how many threads in a spawning call. The core engine
   * takes some 400 bytes of the kernel's memory for each, at once.
   */
  readonly maxProcesses: number;
  readonly label: RowLabel;
  /** What a row's `comm` is. */
  readonly nameBy: Naming;
  readonly callHook: CallHook | 'auto';
  /** Names of hooks that are not attached. */
  readonly withoutHooks: readonly string[];
  /** Also measures how long copy-on-write faults take. Such a fault costs a tenth more then. Only core has this. */
  readonly timesCowFaults: boolean;
  /** Only spawners that match all of these are measured. */
  readonly filter: {
    /** The spawner's name: its comm, that of its executable, or with `nameBy` auto either of them. */
    readonly comm?: string;
    /** Thread-group id of the spawner. */
    readonly pid?: number;
    /** With `pid`: also its descendants, as far as each spawner in between passes the other filters. */
    readonly follow?: boolean;
    /** A cgroup id, decimal. Cgroups below it do not match. */
    readonly cgroup?: string;
  };
  /** The size of the ring buffer in bytes: a power of two, and at least a page. */
  readonly ringBytes: number;
  /** A row that was not used for this long may leave the table when that is nearly full. What it held stays in every sum. */
  readonly idleMs: number;
  /** The cost of one afork on this host. Stall beyond it is avoidable. */
  readonly aforkCostNs: number;
  /** Only core has these. Command lines may hold secrets: they are shown to whoever asked for them, and go nowhere else. */
  readonly details?: readonly EventDetail[];
  /** With `arguments`: those of the descendants of this process only. */
  readonly argumentsBelowPid?: number;
  /** A folder on a BPF filesystem where maps and programs stay when the process ends. Only core has this. */
  readonly pin?: string;
  /** Lets `subscribeStacks` give stacks. Without it, the kernel never copies any. Only core has this. */
  readonly stacks?: StackOptions;
}

export const DEFAULT_ENGINE_OPTIONS: EngineOptions = {
  maxSpawners: 1024,
  maxProcesses: 32_768,
  label: 'none',
  nameBy: 'auto',
  callHook: 'auto',
  withoutHooks: [],
  timesCowFaults: false,
  filter: {},
  ringBytes: 1 << 20,
  idleMs: 600_000,
  aforkCostNs: 25_000,
};

/** The engine to use. `auto` takes core, and bpftrace if core cannot run. */
const ENGINES = ['auto', 'core', 'bpftrace'] as const;
export type EngineChoice = (typeof ENGINES)[number];

/** The flags that `forktax serve` has in common with the commands that measure, by name. */
export const ENGINE_FLAGS = {
  engine: {
    argument: 'engine',
    choices: ENGINES,
    fallback: 'auto',
    help: 'the engine that measures; auto uses core, or bpftrace if core cannot run',
  },
  'call-hook': {
    argument: 'way',
    choices: ['auto', ...CALL_HOOKS],
    fallback: DEFAULT_ENGINE_OPTIONS.callHook,
    help: 'the hook that sees the spawning calls; auto uses the first that works of fentry, syscalls and raw',
  },
  'name-by': {
    argument: 'name',
    choices: NAMINGS,
    fallback: DEFAULT_ENGINE_OPTIONS.nameBy,
    help: 'what names a spawner: its process (comm), its executable (exe), or the executable only where a runtime gives all its processes one name, as Node.js 24 does (auto)',
  },
} as const;
