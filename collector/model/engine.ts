/**
 * Every engine gives a snapshot of the cost table and a stream of spawn events, whatever source it reads.
 * Nothing above `engine/` knows which engine runs.
 */
import type { Clock } from './clock.ts';
import type { EngineEvent } from './events.ts';
import type { CallHook, Hook } from './hooks.ts';
import type { CallStack, StackLosses, UnwoundStack } from './call-stack.ts';
import type { EventDetail, RowLabel } from './options.ts';
import type { Snapshot } from './snapshot.ts';

/** A source that runs in another process. Spawns are not counted while it is down; `restarts` shows that this happened. */
export interface Source {
  /** How often the source ended or stopped answering, and was started again. */
  readonly restarts: number;
  /** Why nothing is measured now. Absent while the source runs. */
  readonly down?: string;
}

/** The engine that was tried first, and why it cannot run here: a sentence without a full stop. */
export interface Refused {
  readonly engine: 'core';
  readonly reason: string;
}

export interface Engine {
  readonly name: 'core' | 'bpftrace' | 'replay';
  /** The call hook that sees the spawning calls. Absent if none does. */
  readonly callHook?: CallHook;
  readonly hooks: readonly Hook[];
  readonly label: RowLabel;
  /** Present if another engine was tried first and cannot run. */
  readonly insteadOf?: Refused;
  /**
   * Tells where the counters began, if they stay when the process ends: they are new, continue, or begin anew because what
   * was there had another layout. Absent if they do not stay.
   */
  readonly history?: 'new' | 'continued' | 'other-layout';
  /** The details that events carry, of those that were asked for. Absent: none. */
  readonly details?: readonly EventDetail[];
  snapshot(): Snapshot;
  /**
   * Calls `onEvents` with each batch until the returned function is called. Events come in the order of the kernel's
   * ring buffer. The kernel writes events only while somebody is subscribed.
   */
  subscribe(onEvents: (events: readonly EngineEvent[]) => void): () => void;
  /**
   * Calls `onStacks` with the stacks of spawning threads as they were at the entry of the call, until the returned function
   * is called. `SpawnEvent.stack` and `SpawnFailureEvent.stack` tell which call each belongs to; both orders occur.
   * The receiver wipes the bytes when they are no longer needed. Present if the engine was opened with `stacks`.
   */
  subscribeStacks?(onStacks: (stacks: readonly CallStack[]) => void): () => void;
  /**
   * The same for stacks that were unwound already: those of a recording. Present if it has any. `settle` gives those that belong to
   * events that were given.
   */
  subscribeUnwound?(onUnwound: (stack: UnwoundStack) => void): () => void;
  /** How many calls have no stack although somebody was subscribed. Present with either of them. */
  stackLosses?(): StackLosses;
  /** Present if the engine's source is another process. */
  readonly source?: Source;
  /**
   * Resolves when the next snapshot has everything that has happened up to now, with `faults` also all page faults.
   * Absent if a snapshot always has.
   */
  settle?(options?: { readonly faults?: boolean }): Promise<void>;
  /** Present if time passes otherwise than on this host: in a recording. */
  readonly clock?: Clock;
  /** Detaches everything. May be called again. */
  close(): void;
}
