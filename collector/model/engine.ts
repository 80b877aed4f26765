/**
 * What every engine gives, whichever source it reads: a snapshot of the cost table, and a stream of spawn events.
 * Nothing above `engine/` knows which engine runs.
 */
import type { EngineEvent } from './events.ts';
import type { CallHook, Hook } from './hooks.ts';
import type { RowLabel } from './options.ts';
import type { Snapshot } from './snapshot.ts';

/** What happened while it was down is not counted; its restarts tell of it. */
export interface Source {
  /** How often it ended or fell silent, and was started again. */
  readonly restarts: number;
  /** Why nothing is measured now; absent while it runs. */
  readonly down?: string;
}

/** The engine that was tried first, and why it cannot run here: a sentence without its stop. */
export interface Refused {
  readonly engine: 'core';
  readonly reason: string;
}

export interface Engine {
  readonly name: 'core' | 'bpftrace' | 'replay';
  /** Which of the three ways sees the spawning calls; absent when none does. */
  readonly callHook?: CallHook;
  readonly hooks: readonly Hook[];
  readonly label: RowLabel;
  /** Absent where the engine runs that was asked for. */
  readonly insteadOf?: Refused;
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
