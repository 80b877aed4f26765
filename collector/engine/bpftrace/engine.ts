/**
 * The bpftrace engine, for hosts where the core engine cannot run. bpftrace prints each step of each spawn, and this
 * process counts. Events that bpftrace loses are missing in the counts; `eventsLost` says how many. Page faults come up to
 * three seconds late.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { availableParallelism } from 'node:os';
import type { Message } from 'bpftrace-wrapper';
import { ForktaxError } from '../../model/errors.ts';
import { CostTable } from './cost-table.ts';
import { bootEpochMs } from '../../system/clocks.ts';
import { Joiner } from './joiner.ts';
import { parseStep } from './lines.ts';
import { pageBytes } from './page-bytes.ts';
import { engineScript } from './script.ts';
import { Supervisor } from './supervisor.ts';
import type { Engine, Refused, Source } from '../../model/engine.ts';
import type { EngineEvent } from '../../model/events.ts';
import type { EngineOptions } from '../../model/options.ts';
import type { Hook } from '../../model/hooks.ts';
import type { Snapshot } from '../../model/snapshot.ts';

const DELIVER_MS = 50;
/** The number of beats, of four a second, between two calls of `expire`. */
const EXPIRE_BEATS = 20;
/** After this time, bpftrace writes the map of faults again, and may clear new counts unseen. */
const LATEST_TURN_MS = 1_400;
const SETTLE_POLL_MS = 20;
/** This has room for some 100,000 lines. */
const BUFFER_BYTES = 16 << 20;

export interface BpftraceEngineOptions {
  /** The size of all buffers together, over all processors. */
  readonly bufferBytes?: number;
  readonly insteadOf?: Refused;
}

/** @throws FORKTAX_NO_BPFTRACE, FORKTAX_OLD_BPFTRACE, FORKTAX_NO_PRIVILEGE, FORKTAX_BPFTRACE, FORKTAX_NO_HOOK */
export async function openBpftraceEngine(
  options: EngineOptions,
  report: (trouble: string) => void = () => {},
  { bufferBytes = BUFFER_BYTES, insteadOf }: BpftraceEngineOptions = {},
): Promise<Engine> {
  if (options.callHook !== 'auto' && options.callHook !== 'syscalls')
    throw new ForktaxError(
      'FORKTAX_NO_HOOK',
      `bpftrace sees the spawning calls by syscalls, not by ${options.callHook}`,
    );
  const engine = new BpftraceEngine(options, insteadOf);
  await engine.start(report, bufferBytes);
  return engine;
}

class BpftraceEngine implements Engine {
  readonly name = 'bpftrace';
  readonly callHook = 'syscalls';
  readonly label: EngineOptions['label'];
  readonly hooks: readonly Hook[];
  readonly insteadOf?: Refused;
  readonly #options: EngineOptions;
  readonly #script: ReturnType<typeof engineScript>;
  readonly #table: CostTable;
  readonly #joiner: Joiner;
  readonly #subscribers = new Set<(events: readonly EngineEvent[]) => void>();
  #events: EngineEvent[] = [];
  #deliverTimer: NodeJS.Timeout | undefined;
  #supervisor: Supervisor | undefined;
  #bootEpochMs = bootEpochMs();
  #eventsLost = 0;
  #keysLost = 0;
  #beats = 0;
  /** When the last two beats were sent, in milliseconds since the epoch. */
  #lastBeats: readonly [number, number] = [0, 0];
  /** When each of the two maps of faults was last printed, in milliseconds since the epoch. */
  readonly #turns: [number, number] = [0, 0];
  #closed = false;

  constructor(options: EngineOptions, insteadOf: Refused | undefined) {
    if (insteadOf) this.insteadOf = insteadOf;
    this.#options = options;
    this.label = options.label;
    this.#script = engineScript(options);
    this.hooks = this.#script.hooks;
    this.#table = new CostTable(options);
    const { label, nameBy, aforkCostNs, filter, maxProcesses } = options;
    const joined = {
      label,
      nameBy,
      aforkCostNs,
      filter,
      maxProcesses,
      ownPid: this.#script.ownPid,
      pageBytes: pageBytes(),
    };
    this.#joiner = new Joiner(this.#table, { ...joined, bootEpochMs: () => this.#bootEpochMs }, (event) =>
      this.#emit(event),
    );
  }

  async start(report: (trouble: string) => void, bufferBytes: number): Promise<void> {
    this.#supervisor = await Supervisor.start({
      script: this.#script,
      maxProcesses: this.#options.maxProcesses,
      cpus: availableParallelism(),
      bufferBytes,
      onMessage: (message) => this.#take(message),
      onEnd: () => this.#joiner.forget(),
      report,
    });
  }

  get source(): Source {
    const { restarts = 0, down } = this.#supervisor ?? {};
    return { restarts, ...(down !== undefined && { down }) };
  }

  #take(message: Message): void {
    if (message.type === 'printf') this.#takeLine(message.text.replace(/\n$/, ''));
    else if (message.type === 'map' && message.name.startsWith('@faults')) this.#takeFaults(message.entries);
    else if (message.type === 'lost') this.#eventsLost += message.events;
    else if (message.type === 'helper-error' && message.helper === 'map_update_elem') this.#keysLost++;
  }

  #takeLine(line: string): void {
    const step = parseStep(line);
    if (!step) this.#eventsLost++;
    else if (step.kind === 'beat') this.#beat(this.#epochMs(step.now));
    else if (step.kind === 'turn') this.#turn(step.map, this.#epochMs(step.now));
    else this.#joiner.take(step);
  }

  #epochMs(bootNs: bigint): number {
    return Number(bootNs) / 1e6 + this.#bootEpochMs;
  }

  #turn(map: number, toldMs: number): void {
    if (Date.now() - toldMs > LATEST_TURN_MS) this.#eventsLost++;
    this.#turns[map === 0 ? 0 : 1] = toldMs;
  }

  #takeFaults(entries: Extract<Message, { type: 'map' }>['entries']): void {
    for (const [key, count] of entries) {
      const [pid = 0, what = 0] = key.split(',').map(Number);
      this.#joiner.takeFaults(pid, what, Number(count));
    }
  }

  #beat(atMs: number): void {
    this.#beats++;
    this.#lastBeats = [this.#lastBeats[1], atMs];
    if (this.#beats % EXPIRE_BEATS !== 0) return;
    this.#bootEpochMs = bootEpochMs();
    this.#joiner.expire(Date.now());
  }

  snapshot(): Snapshot {
    const atMs = Date.now();
    this.#table.evictIdle(atMs);
    const { rowsFolded, rowsEvicted, failuresFolded, size } = this.#table;
    const { callsTracked, callsUntracked, processesTracked, processesUntracked } = this.#joiner;
    return {
      atMs,
      rows: this.#table.rows(),
      failures: this.#table.failures(),
      health: {
        eventsLost: this.#eventsLost,
        rowsFolded,
        rowsEvicted,
        failuresFolded,
        callsTracked,
        callsUntracked,
        processesTracked,
        processesUntracked: processesUntracked + this.#keysLost,
        siblingWaitsUntracked: 0,
        cowFaultsUntimed: 0,
        tableRows: size,
        tableCapacity: this.#options.maxSpawners,
        processCapacity: this.#options.maxProcesses,
      },
      programs: [],
    };
  }

  subscribe(onEvents: (events: readonly EngineEvent[]) => void): () => void {
    const subscriber = (events: readonly EngineEvent[]) => onEvents(events);
    this.#subscribers.add(subscriber);
    return () => {
      this.#deliver();
      this.#subscribers.delete(subscriber);
    };
  }

  #emit(event: EngineEvent): void {
    if (this.#subscribers.size === 0) return;
    this.#events.push(event);
    this.#deliverTimer ??= setTimeout(() => this.#deliver(), DELIVER_MS);
  }

  #deliver(): void {
    clearTimeout(this.#deliverTimer);
    this.#deliverTimer = undefined;
    const events = this.#events;
    this.#events = [];
    if (events.length > 0) for (const subscriber of this.#subscribers) subscriber(events);
  }

  /** Waits for the second beat from now: by then, every buffer has been read. */
  async settle({ faults = false }: { readonly faults?: boolean } = {}): Promise<void> {
    const sinceMs = Date.now() + SETTLE_POLL_MS;
    const waits = faults && this.hooks.some(({ name, attached }) => attached && name === 'page_fault_user');
    const settled = () => this.#lastBeats[0] > sinceMs && (!waits || this.#turns.every((toldMs) => toldMs > sinceMs));
    while (!this.#closed && this.source.down === undefined && !settled()) await sleep(SETTLE_POLL_MS);
    this.#deliver();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#deliver();
    this.#subscribers.clear();
    this.#supervisor?.close();
  }
}
