/**
 * An engine whose source is a recording. It goes on only while somebody waits: `clock.pause` plays what was recorded in
 * that time, so a replay gives the same at any speed.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../model/clock.ts';
import type { StackLosses, UnwoundStack } from '../model/call-stack.ts';
import type { Engine } from '../model/engine.ts';
import type { EngineEvent } from '../model/events.ts';
import type { Hook } from '../model/hooks.ts';
import { rowsSince } from '../model/rows.ts';
import { NO_HEALTH, type Snapshot } from '../model/snapshot.ts';
import type { Entry, RecordingReader } from './reader.ts';

/** Events are given in batches of at most so many. */
const BATCH = 1000;
/** Events that are shown within so many milliseconds are given together. */
const MOMENT_MS = 10;
/** The unwinder is done with a stack within the seconds of so many snapshots. */
const SNAPSHOTS_AFTER = 3;

export interface ReplayOptions {
  /** How many times faster than it was recorded; Infinity without any waiting. */
  readonly speed: number;
  /** Milliseconds since the epoch: what was recorded before is left out. */
  readonly fromMs?: number | undefined;
  /** Whether an event is given to subscribers. */
  readonly wants?: (event: EngineEvent) => boolean;
  /** The same for a row. */
  readonly wantsRow?: (row: Snapshot['rows'][number]) => boolean;
  /** Whether the time of CoW faults is asked for. */
  readonly timesCowFaults?: boolean | undefined;
}

/** What somebody asks for now, and was not recorded. */
const NO_COW_TIMES: Hook = {
  name: 'cow_fault_times',
  attached: false,
  reason: 'it was not recorded',
  columns: ['cowFaultTimes'],
};

export function openReplayEngine(reader: RecordingReader, options: ReplayOptions): Engine & { readonly clock: Clock } {
  return new ReplayEngine(reader, options);
}

class ReplayEngine implements Engine {
  readonly name = 'replay';
  readonly hooks: Engine['hooks'];
  readonly label: Engine['label'];
  readonly callHook?: NonNullable<Engine['callHook']>;
  readonly clock: Clock;
  readonly #reader: RecordingReader;
  readonly #options: ReplayOptions;
  readonly #subscribers = new Set<(events: readonly EngineEvent[]) => void>();
  /** What came before the replay began, and what has come since. */
  #base: Snapshot;
  #current: Snapshot;
  #nowMs: number;
  #ahead: Entry | undefined;
  /** What `settle` has read already. */
  readonly #queue: Entry[] = [];
  readonly #onUnwound = new Set<(stack: UnwoundStack) => void>();
  #losses: StackLosses = { overLimit: 0, ringFull: 0, unreadable: 0 };
  readonly subscribeUnwound?: NonNullable<Engine['subscribeUnwound']>;
  readonly stackLosses?: NonNullable<Engine['stackLosses']>;

  constructor(reader: RecordingReader, options: ReplayOptions) {
    this.#reader = reader;
    this.#options = options;
    const { hooks, label, callHook, startedMs, stacks } = reader.header;
    const isMissed = options.timesCowFaults && !hooks.some(({ columns }) => columns.includes('cowFaultTimes'));
    this.hooks = isMissed ? [...hooks, NO_COW_TIMES] : hooks;
    this.label = label;
    if (callHook) this.callHook = callHook;
    if (stacks) {
      this.subscribeUnwound = (onUnwound) => {
        this.#onUnwound.add(onUnwound);
        return () => this.#onUnwound.delete(onUnwound);
      };
      this.stackLosses = () => this.#losses;
    }
    this.#nowMs = options.fromMs ?? startedMs;
    this.#ahead = this.#next();
    this.#base = this.#current = this.#takeBase(startedMs);
    const now = () => this.#nowMs;
    const isEnded = () => this.#ahead === undefined;
    this.clock = {
      now,
      pause: (ns, stop) => this.#play(ns, stop),
      get ended() {
        return isEnded();
      },
    };
  }

  snapshot(): Snapshot {
    const { wantsRow = () => true } = this.#options;
    return {
      ...this.#current,
      atMs: this.#nowMs,
      rows: rowsSince(this.#current.rows, this.#base.rows).filter(wantsRow),
      health: {
        ...this.#current.health,
        eventsLost: this.#current.health.eventsLost - this.#base.health.eventsLost,
      },
    };
  }

  subscribe(onEvents: (events: readonly EngineEvent[]) => void): () => void {
    this.#subscribers.add(onEvents);
    return () => this.#subscribers.delete(onEvents);
  }

  /** A stack was written after its event: it took the unwinder a while. */
  async settle(): Promise<void> {
    if (this.#onUnwound.size === 0 || !this.#ahead) return;
    let later = 0;
    while (later < SNAPSHOTS_AFTER) {
      const entry = this.#reader.next();
      if (!entry) return;
      if ('stack' in entry) this.#emitStack(entry.stack);
      else this.#queue.push(entry);
      if ('snapshot' in entry) later++;
    }
  }

  close(): void {
    this.#reader.close();
    this.#ahead = undefined;
  }

  /**
   * Skips what is before the beginning. The last snapshot before it is what later ones are compared with. The stacks since then are
   * kept, for a stack may have been written before its event.
   */
  #takeBase(startedMs: number): Snapshot {
    let base: Snapshot = { atMs: startedMs, rows: [], failures: [], programs: [], health: NO_HEALTH };
    let isFirst = true;
    let stacks: Entry[] = [];
    for (; this.#ahead; this.#ahead = this.#next()) {
      if ('losses' in this.#ahead) this.#losses = this.#ahead.losses;
      if ('stack' in this.#ahead) stacks.push(this.#ahead);
      const { snapshot } = 'snapshot' in this.#ahead ? this.#ahead : { snapshot: undefined };
      if (!('event' in this.#ahead) && !snapshot) continue;
      if (snapshot ? snapshot.atMs > this.#nowMs && !isFirst : timeOf(this.#ahead) >= this.#nowMs) break;
      if (snapshot) {
        base = snapshot;
        stacks = [];
      }
      isFirst = false;
    }
    if (this.#ahead && stacks.length > 0) {
      this.#queue.push(...stacks, this.#ahead);
      this.#ahead = this.#next();
    }
    return base;
  }

  async #play(ns: number | undefined, stop: AbortSignal): Promise<void> {
    const untilMs = this.#nowMs + (ns ?? Infinity) / 1e6;
    const pace = new Pace(this.#nowMs, this.#options.speed);
    while (this.#ahead && !stop.aborted && timeOf(this.#ahead) <= untilMs) {
      await pace.reach(timeOf(this.#ahead), stop);
      if (stop.aborted) return;
      this.#step(untilMs);
    }
    if (!this.#ahead || stop.aborted) return;
    await pace.reach(untilMs, stop);
    if (!stop.aborted) this.#nowMs = untilMs;
  }

  /** Takes one snapshot, or the events up to the next one that belong to about the same moment. */
  #step(untilMs: number): void {
    const batch: EngineEvent[] = [];
    const endMs = Math.min(untilMs, timeOf(this.#ahead) + this.#options.speed * MOMENT_MS);
    while (this.#ahead && 'event' in this.#ahead && batch.length < BATCH && timeOf(this.#ahead) <= endMs) {
      batch.push(this.#ahead.event);
      this.#nowMs = Math.max(this.#nowMs, this.#ahead.event.atMs);
      this.#ahead = this.#next();
    }
    if (batch.length > 0) this.#emit(batch);
    else if (this.#ahead && 'snapshot' in this.#ahead) {
      this.#current = this.#ahead.snapshot;
      this.#nowMs = Math.max(this.#nowMs, this.#current.atMs);
      this.#ahead = this.#next();
    } else if (this.#ahead) {
      if ('stack' in this.#ahead) this.#emitStack(this.#ahead.stack);
      else if ('losses' in this.#ahead) this.#losses = this.#ahead.losses;
      this.#ahead = this.#next();
    }
  }

  #next(): Entry | undefined {
    return this.#queue.shift() ?? this.#reader.next();
  }

  #emitStack(stack: UnwoundStack): void {
    for (const onUnwound of this.#onUnwound) onUnwound(stack);
  }

  #emit(events: readonly EngineEvent[]): void {
    const { wants = () => true } = this.#options;
    const wanted = events.filter(wants);
    if (wanted.length > 0) for (const onEvents of this.#subscribers) onEvents(wanted);
  }
}

/** Waits so that recorded time passes at a multiple of this host's. */
class Pace {
  readonly #startMs = performance.now();
  readonly #fromMs: number;
  readonly #speed: number;

  constructor(fromMs: number, speed: number) {
    this.#fromMs = fromMs;
    this.#speed = speed;
  }

  /** Gives way to other work even where it need not wait, so that signals are heard. */
  async reach(atMs: number, stop: AbortSignal): Promise<void> {
    const waitMs = (atMs - this.#fromMs) / this.#speed - (performance.now() - this.#startMs);
    if (waitMs > 1) await sleep(waitMs, undefined, { signal: stop }).catch(() => {});
    else await nextTurn();
  }
}

/** Stacks and losses have no time: they are given as soon as they are reached. */
function timeOf(entry: Entry | undefined): number {
  if (entry === undefined) return Infinity;
  if ('event' in entry) return entry.event.atMs;
  return 'snapshot' in entry ? entry.snapshot.atMs : -Infinity;
}
