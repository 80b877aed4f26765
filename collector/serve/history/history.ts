/** What spawning cost in the last minutes, second by second, in a bounded ring: a page is not empty when it is opened. */
import { absentColumns } from '../../model/hooks.ts';
import type { Engine } from '../../model/engine.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { encodePoint, type Point } from './point.ts';

export interface HistoryOptions {
  readonly intervalMs: number;
  readonly maxPoints: number;
  readonly maxPointBytes: number;
}

/** 15 minutes in at most 8 MiB, with what Node.js needs for a buffer. */
export const DEFAULT_HISTORY_OPTIONS: HistoryOptions = { intervalMs: 1000, maxPoints: 900, maxPointBytes: 9000 };

/** Reading takes at most this share of a processor: where a table is so large that it would take more, points are rarer. */
const MAX_SHARE = 0.02;

export class History {
  readonly startedMs = Date.now();
  readonly #engine: Engine;
  readonly #readTables: () => Snapshot | undefined;
  readonly #options: HistoryOptions;
  readonly #points: Point[] = [];
  #last: Snapshot | undefined;
  #timer: NodeJS.Timeout | undefined;
  #nextSeq = 0;
  #bytes = 0;
  #spentMs = 0;
  #intervalMs: number;

  /** `readTables` gives undefined, and has told why, when the tables cannot be read. */
  constructor(engine: Engine, readTables: () => Snapshot | undefined, options: Partial<HistoryOptions> = {}) {
    this.#engine = engine;
    this.#readTables = readTables;
    this.#options = { ...DEFAULT_HISTORY_OPTIONS, ...options };
    this.#intervalMs = this.#options.intervalMs;
  }

  start(): void {
    this.take();
    this.#timer = setTimeout(() => this.start(), this.#intervalMs).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Adds what happened since the last snapshot. The first one is only the beginning. */
  take(): void {
    const before = cpuMs();
    const snapshot = this.#readTables();
    // In a recording that has ended, time stands still.
    if (snapshot && this.#last && !this.#engine.clock?.ended) this.#add(snapshot, this.#last);
    if (snapshot) this.#last = snapshot;
    const tookMs = cpuMs() - before;
    this.#spentMs += tookMs;
    this.#intervalMs = Math.max(this.#options.intervalMs, tookMs / MAX_SHARE);
  }

  #add(later: Snapshot, earlier: Snapshot): void {
    const { maxPoints, maxPointBytes } = this.#options;
    const absent = absentColumns(this.#engine.hooks);
    const point = encodePoint(later, earlier, { seq: this.#nextSeq++, absent, maxBytes: maxPointBytes });
    this.#points.push(point);
    this.#bytes += point.json.length;
    if (this.#points.length > maxPoints) this.#bytes -= this.#points.shift()?.json.length ?? 0;
  }

  /** The points from `seq` on that are still held, oldest first. */
  pointsFrom(seq: number): readonly Point[] {
    const oldest = this.#nextSeq - this.#points.length;
    return this.#points.slice(Math.max(0, seq - oldest));
  }

  /** The last that was read, from which the next point will be counted. */
  get lastSnapshot(): Snapshot | undefined {
    return this.#last;
  }

  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** What it takes. */
  get cost(): { readonly bytes: number; readonly spentMs: number; readonly intervalMs: number } {
    return { bytes: this.#bytes, spentMs: this.#spentMs, intervalMs: this.#intervalMs };
  }
}

/** Processor time, which does not grow while others run. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
