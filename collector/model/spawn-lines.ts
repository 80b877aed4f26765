/**
 * Joins the events of one spawn into one line: the spawn itself, the execs that its child tried, and the child's exit.
 *
 * Events are joined by the child's pid and come in either order: a vfork returns after its child's exec, a fork usually
 * before, and any caller may run again late. A line waits a short time for its outcome.
 */
import type { EngineEvent, ExecEvent, ExecFailureEvent, ExitEvent, SpawnEvent, SpawnFailureEvent } from './events.ts';

export const OUTCOMES = {
  exec: "the child exec'd",
  'exec-failed': 'every exec that the child tried failed',
  'no-exec': 'the child ended without an exec',
  running: "the child has neither exec'd nor ended yet",
  unknown: 'events of this spawn were lost, or the hook for execs is not attached',
  'spawn-failed': 'the call failed: there is no child',
} as const;
export type Outcome = keyof typeof OUTCOMES;

export interface SpawnLine {
  readonly spawn: SpawnEvent | SpawnFailureEvent;
  readonly outcome: Outcome;
  readonly exec?: ExecEvent;
  /** How many execs failed before the outcome; `lastFailure` is the last of them. */
  readonly failedExecs: number;
  readonly lastFailure?: ExecFailureEvent;
  readonly exit?: ExitEvent;
}

/** What is known about one child so far. */
interface Child {
  sinceMs: number;
  spawn?: SpawnEvent;
  exec?: ExecEvent;
  exit?: ExitEvent;
  failedExecs: number;
  lastFailure?: ExecFailureEvent;
  /** Its line was emitted, so late events are only removed. */
  done: boolean;
  eventsLost: boolean;
}

export interface SpawnLinesOptions {
  /** How long a line waits for its outcome, in milliseconds. */
  readonly holdMs?: number;
  /** How many children are remembered at most. The oldest are forgotten first. */
  readonly capacity?: number;
  /** Whether a hook sees execs. If not, no line waits. */
  readonly execsSeen?: boolean;
}

export class SpawnLines {
  readonly #emit: (line: SpawnLine) => void;
  readonly #holdMs: number;
  readonly #capacity: number;
  readonly #execsSeen: boolean;
  readonly #children = new Map<number, Child>();

  constructor(emit: (line: SpawnLine) => void, options: SpawnLinesOptions = {}) {
    this.#emit = emit;
    this.#holdMs = options.holdMs ?? 1000;
    this.#capacity = options.capacity ?? 16_384;
    this.#execsSeen = options.execsSeen ?? true;
  }

  /** `nowMs` is from any clock that never goes back, the same one as for `expire`. */
  add(event: EngineEvent, nowMs: number): void {
    if (event.kind === 'spawn-failure') this.#emit({ spawn: event, outcome: 'spawn-failed', failedExecs: 0 });
    else if (event.kind === 'spawn') this.#addSpawn(event, nowMs);
    else this.#addChildEvent(event, nowMs);
  }

  /** Emits the lines that have waited long enough. */
  expire(nowMs: number): void {
    for (const child of this.#children.values()) {
      if (nowMs - child.sinceMs >= this.#holdMs) this.#giveUp(child);
    }
  }

  /** Call this before `expire` if the kernel dropped events: any child may have called exec unseen. */
  noteLoss(): void {
    for (const child of this.#children.values()) child.eventsLost = true;
  }

  /** Emits all lines that still wait. */
  flush(): void {
    this.expire(Infinity);
    this.#children.clear();
  }

  #addSpawn(event: SpawnEvent, nowMs: number): void {
    let child = this.#children.get(event.child);
    if (child?.spawn || child?.done) {
      this.#giveUp(child);
      child = undefined;
    }
    child ??= this.#remember(event.child, nowMs);
    child.spawn = event;
    child.sinceMs = nowMs;
    this.#settle(event.child, child);
  }

  #addChildEvent(event: ExecEvent | ExecFailureEvent | ExitEvent, nowMs: number): void {
    const known = this.#children.get(event.child);
    if (!known && event.kind === 'exit' && event.execSeen) return;
    const child = known ?? this.#remember(event.child, nowMs);
    if (event.kind === 'exec') child.exec = event;
    else if (event.kind === 'exit') child.exit = event;
    else {
      child.failedExecs++;
      child.lastFailure = event;
    }
    this.#settle(event.child, child);
  }

  #remember(pid: number, nowMs: number): Child {
    this.#children.delete(pid);
    const [oldest] = this.#children;
    if (oldest && this.#children.size >= this.#capacity) {
      this.#children.delete(oldest[0]);
      oldest[1].eventsLost = true;
      this.#giveUp(oldest[1]);
    }
    const child: Child = { sinceMs: nowMs, failedExecs: 0, done: false, eventsLost: false };
    this.#children.set(pid, child);
    return child;
  }

  #settle(pid: number, child: Child): void {
    const ended = child.exec ?? child.exit;
    if (child.done ? ended : child.spawn && ended) this.#children.delete(pid);
    if (child.spawn && (ended || !this.#execsSeen)) this.#giveUp(child);
  }

  #giveUp(child: Child): void {
    const { spawn, exec, exit, lastFailure, failedExecs } = child;
    if (!spawn) return;
    delete child.spawn;
    child.done = true;
    this.#emit({
      spawn,
      outcome: this.#outcome(child),
      failedExecs,
      ...(exec && { exec }),
      ...(exit && { exit }),
      ...(lastFailure && { lastFailure }),
    });
  }

  #outcome(child: Child): Outcome {
    if (child.exec) return 'exec';
    if (child.exit?.execSeen) return 'unknown';
    if (child.lastFailure && (child.exit || !child.eventsLost)) return 'exec-failed';
    if (child.exit) return 'no-exec';
    return child.eventsLost || !this.#execsSeen ? 'unknown' : 'running';
  }
}
