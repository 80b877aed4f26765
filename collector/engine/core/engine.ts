/** The core engine: libbpf, CO-RE, and tables that the probes keep in the kernel. */
import { attachProbes, processCapacity, type Attached } from './attach.ts';
import { costKeyReader, costReader, eventsReader, failureKeyReader, healthReader, lastUsedReader } from './decode.ts';
import { otherKeys } from './enums.ts';
import { StackStream } from './stack-stream.ts';
import { u32 } from '../shared/bytes.ts';
import { probeConstant } from '../shared/probe-constants.ts';
import { EvictedRows, isNearlyFull } from '../shared/eviction.ts';
import { epochOffsetMs, kernelMonotonicNs } from '../../system/clocks.ts';
import { absentColumns, CALL_HOOKS, type CallHook, type Hook } from '../../model/hooks.ts';
import { DEFAULT_ENGINE_OPTIONS, type EngineOptions } from '../../model/options.ts';
import { mergeAlike, OTHER, type CostRow, type FailureRow } from '../../model/rows.ts';
import type { Engine } from '../../model/engine.ts';
import type { EngineEvent } from '../../model/events.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { isCharged } from '../../model/costs.ts';

const DRAIN_MS = 50;
const DRAIN_BYTES = 1 << 20;

/** @throws ForktaxError: `attachProbes` says which */
export function openCoreEngine(options: EngineOptions): Engine {
  return coreEngine(attachProbes(options), options);
}

/** Gives the engine of probes that are attached. The engine closes them. */
export function coreEngine(attached: Attached, options: EngineOptions): Engine {
  return new CoreEngine(attached, options);
}

/** Tries every hook, with each call hook, and detaches everything again. `doctor` uses it. */
export function tryHooks(): { callHook?: CallHook; hooks: readonly Hook[] } {
  const hooks = new Map<string, Hook>();
  let chosen: CallHook | undefined;
  for (const callHook of CALL_HOOKS) {
    try {
      const attached = attachProbes({ ...DEFAULT_ENGINE_OPTIONS, callHook, timesCowFaults: true });
      attached.object.close();
      chosen ??= callHook;
      for (const hook of attached.hooks) hooks.set(hook.name, hook);
    } catch (error) {
      const detail = (error as { detail?: string }).detail ?? (error as Error).message;
      hooks.set(callHook, { name: callHook, attached: false, reason: detail, columns: ['stall', 'execFailures'] });
    }
  }
  return { ...(chosen && { callHook: chosen }), hooks: [...hooks.values()] };
}

/** Buffers for the keys and values of a whole map. They are reused. */
interface TableBuffers {
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
}

class CoreEngine implements Engine {
  readonly name = 'core';
  readonly hooks: readonly Hook[];
  readonly label: EngineOptions['label'];
  readonly callHook?: CallHook;
  readonly details?: NonNullable<Engine['details']>;
  readonly history?: NonNullable<Engine['history']>;
  readonly #pins: Attached['pins'];
  readonly #object: Attached['object'];
  readonly #options: EngineOptions;
  readonly #subscribers = new Set<(events: readonly EngineEvent[]) => void>();
  readonly #events = Buffer.alloc(DRAIN_BYTES);
  readonly #evicted: EvictedRows;
  readonly #other = otherKeys();
  readonly #failureCapacity = probeConstant('FAILURES');
  readonly #costs: TableBuffers;
  readonly #others: TableBuffers;
  readonly #failures: TableBuffers;
  readonly #otherFailures: TableBuffers;
  readonly #health: Uint8Array;
  readonly #read: ReturnType<CoreEngine['readers']>;
  readonly #stacks: StackStream | undefined;
  readonly subscribeStacks?: NonNullable<Engine['subscribeStacks']>;
  readonly stackLosses?: NonNullable<Engine['stackLosses']>;
  /** As the tables were made: the host's limit may change later. */
  readonly #processCapacity: number;
  #rowsEvicted = 0;
  #drainTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(attached: Attached, options: EngineOptions) {
    this.#object = attached.object;
    this.hooks = attached.hooks;
    this.#pins = attached.pins;
    if (attached.history) this.history = attached.history;
    if (attached.callHook) this.callHook = attached.callHook;
    if (options.details) this.details = options.details;
    this.#options = options;
    this.#processCapacity = processCapacity(options);
    this.label = options.label;
    const key = this.#object.layout('cost_key').size;
    const row = this.#object.layout('cost_row').size;
    const failure = this.#object.layout('failure_key').size;
    this.#evicted = new EvictedRows(options.maxSpawners);
    this.#costs = buffers(options.maxSpawners, key, row);
    this.#others = buffers(this.#other.rows, 4, row);
    this.#failures = buffers(this.#failureCapacity, failure, 8);
    this.#otherFailures = buffers(this.#other.failures, 4, 8);
    this.#health = new Uint8Array(this.#object.layout('health').size);
    this.#read = this.readers();
    const stacks = options.stacks && new StackStream(this.#object, options.stacks);
    this.#stacks = stacks;
    if (stacks) {
      this.subscribeStacks = (onStacks) => stacks.subscribe(onStacks);
      this.stackLosses = () => stacks.losses();
    }
    // Events that the last collector did not read.
    if (attached.history === 'continued') this.#drain();
  }

  private readers() {
    const layout = (name: string) => this.#object.layout(name);
    return {
      key: costKeyReader(layout('cost_key'), this.#costs.keys, this.label),
      row: costReader(layout('cost_row'), this.#costs.values),
      lastUsed: lastUsedReader(layout('cost_row'), this.#costs.values),
      other: costReader(layout('cost_row'), this.#others.values),
      failureKey: failureKeyReader(layout('failure_key'), this.#failures.keys, this.label),
      health: healthReader(layout('health'), this.#health),
      events: eventsReader({
        layout,
        bytes: this.#events,
        nameBy: this.#options.nameBy,
        siblings: !absentColumns(this.hooks).has('siblings'),
      }),
    };
  }

  snapshot(): Snapshot {
    const offsetMs = epochOffsetMs();
    const inTable = this.#object.readMap('costs', this.#costs.keys, this.#costs.values);
    const evicted = this.#evictIdle(inTable, offsetMs);
    if (inTable - evicted.size < this.#options.maxSpawners) this.#object.writeGlobal('table_is_full', u32(0));
    const rows: CostRow[] = [];
    for (let i = 0; i < inTable; i++)
      if (!evicted.has(i)) rows.push({ ...this.#read.key(i), ...this.#read.row(i, offsetMs) });
    this.#object.readGlobal('health', this.#health);
    return {
      atMs: Date.now(),
      rows: mergeAlike([...this.#evicted.complete(mergeAlike(rows)), ...this.#otherRows(offsetMs)]),
      failures: [...this.#failureRows(), ...this.#otherFailureRows()],
      health: {
        ...this.#read.health(),
        tableRows: rows.length,
        tableCapacity: this.#options.maxSpawners,
        processCapacity: this.#processCapacity,
        rowsEvicted: this.#rowsEvicted,
      },
      programs: this.#object.programStats().filter((program) => program.runs > 0 || program.missed > 0),
    };
  }

  /**
   * Makes room in a nearly full table: rows that were long unused leave it. A spawn that uses such a row in the
   * microseconds of its removal may be charged to another row.
   */
  #evictIdle(inTable: number, offsetMs: number): ReadonlySet<number> {
    const gone = new Set<number>();
    if (!isNearlyFull(inTable, this.#options.maxSpawners)) return gone;
    const idleSinceNs = Number(kernelMonotonicNs()) - this.#options.idleMs * 1e6;
    const keySize = this.#costs.keys.length / this.#options.maxSpawners;
    const rowSize = this.#costs.values.length / this.#options.maxSpawners;
    for (let i = 0; i < inTable; i++) {
      if (this.#read.lastUsed(i) > idleSinceNs) continue;
      const key = this.#costs.keys.subarray(i * keySize, (i + 1) * keySize);
      if (!this.#object.takeEntry('costs', key, this.#costs.values.subarray(i * rowSize, (i + 1) * rowSize))) continue;
      this.#evicted.add({ ...this.#read.key(i), ...this.#read.row(i, offsetMs) });
      gone.add(i);
    }
    this.#rowsEvicted += gone.size;
    return gone;
  }

  #otherRows(offsetMs: number): CostRow[] {
    const rows: CostRow[] = [];
    this.#object.readMap('other_costs', this.#others.keys, this.#others.values);
    for (let i = 0; i < this.#other.rows; i++) {
      const costs = this.#read.other(i, offsetMs);
      if (isCharged(costs)) rows.push({ comm: OTHER, ...this.#other.rowKey(i), ...costs });
    }
    return rows;
  }

  #failureRows(): FailureRow[] {
    const { keys, values } = this.#failures;
    const counts = new BigUint64Array(values.buffer, values.byteOffset, this.#failureCapacity);
    const entries = this.#object.readMap('failures', keys, values);
    return Array.from({ length: entries }, (_, i) => ({
      ...this.#read.failureKey(i),
      count: Number(counts[i]),
    }));
  }

  #otherFailureRows(): FailureRow[] {
    const { keys, values } = this.#otherFailures;
    const counts = new BigUint64Array(values.buffer, values.byteOffset, this.#other.failures);
    const rows: FailureRow[] = [];
    this.#object.readMap('other_failures', keys, values);
    for (let i = 0; i < this.#other.failures; i++)
      if (counts[i]) rows.push({ ...this.#other.failureKey(i), comm: OTHER, count: Number(counts[i]) });
    return rows;
  }

  subscribe(onEvents: (events: readonly EngineEvent[]) => void): () => void {
    const subscriber = (events: readonly EngineEvent[]) => onEvents(events);
    this.#subscribers.add(subscriber);
    if (this.#subscribers.size === 1) this.#startStreaming();
    return () => {
      if (this.#closed || !this.#subscribers.has(subscriber)) return;
      if (this.#subscribers.size === 1) this.#stopStreaming();
      this.#subscribers.delete(subscriber);
    };
  }

  #startStreaming(): void {
    this.#object.writeGlobal('streaming', Uint8Array.of(1, 0, 0, 0));
    this.#drainTimer = setInterval(() => this.#drain(), DRAIN_MS);
  }

  #stopStreaming(): void {
    clearInterval(this.#drainTimer);
    this.#object.writeGlobal('streaming', new Uint8Array(4));
    this.#drain();
  }

  /** Reads the ring buffer, up to a limit. If events come faster than they are read, the kernel drops and counts them. */
  #drain(): void {
    const passes = Math.ceil(this.#options.ringBytes / DRAIN_BYTES) + 1;
    for (let pass = 0; pass < passes; pass++) {
      const size = this.#object.drainRing('events', this.#events);
      if (size === 0) return;
      const events = this.#read.events(size, epochOffsetMs());
      for (const subscriber of this.#subscribers) subscriber(events);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#drainTimer);
    this.#subscribers.clear();
    this.#stacks?.close();
    this.#object.close();
    this.#pins?.close();
  }
}

function buffers(entries: number, keySize: number, valueSize: number): TableBuffers {
  return { keys: new Uint8Array(entries * keySize), values: new Uint8Array(entries * valueSize) };
}
