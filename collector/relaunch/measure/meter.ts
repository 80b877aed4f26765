/** Measures a process and its descendants with the probes. */
import { DEFAULT_ENGINE_OPTIONS } from '../../model/options.ts';
import type { CostRow, FailureRow } from '../../model/rows.ts';
import type { Engine } from '../../model/engine.ts';
import type { Health } from '../../model/snapshot.ts';
import type { Hook } from '../../model/hooks.ts';
import { ForktaxError } from '../../model/errors.ts';
import { isInInitialPidNamespace } from '../../system/pid-namespace.ts';
import { EVENT_RING_BYTES } from '../../measuring/event-ring.ts';
import { CopiedEntries } from './copied-entries.ts';
import { GroupedSketch } from './grouped-sketch.ts';

/** What spawns cost, and what the probes could not see of it. */
export interface Measurement {
  readonly rows: readonly CostRow[];
  readonly failures: readonly FailureRow[];
  readonly hooks: readonly Hook[];
  readonly health: Health;
  /** Stalls, finer than in the histograms of the rows. Lost events are missing here. */
  readonly stalls: GroupedSketch;
  /** Exec delays, with the same limits. */
  readonly execDelays: GroupedSketch;
  /** An estimate of the page-table entries that forks copied. Absent if it was not requested, or could not be made. */
  readonly copiedEntries?: number;
}

export interface Meter {
  /** Detaches the probes and gives what they measured. */
  finish(): Measurement;
}

export interface MeterOptions {
  /** Estimates the copied page-table entries, which costs a look at the memory of each spawner. */
  readonly countEntries: boolean;
}

/** Attaches the probes. Gives the reason if nothing can be measured here. */
export async function openMeter(pid: number, options: MeterOptions): Promise<Meter | ForktaxError> {
  if (isInInitialPidNamespace() === false)
    return new ForktaxError(
      'FORKTAX_PID_NAMESPACE',
      'this pid namespace is not the initial one: the probes see other pids than this container does',
    );
  const [{ openCoreEngine }, { loadNative }] = await Promise.all([
    import('../../engine/core/engine.ts'),
    import('../../system/native.ts'),
  ]);
  try {
    const filter = { pid, follow: true };
    const engine = openCoreEngine({
      ...DEFAULT_ENGINE_OPTIONS,
      filter,
      ringBytes: EVENT_RING_BYTES,
      timesCowFaults: true,
    });
    return meter(engine, options.countEntries ? new CopiedEntries(loadNative().pageSize) : undefined);
  } catch (error) {
    if (error instanceof ForktaxError) return error;
    throw error;
  }
}

function meter(engine: Engine, entries?: CopiedEntries): Meter {
  const [stalls, execDelays] = [new GroupedSketch(), new GroupedSketch()];
  const unsubscribe = engine.subscribe((events) => {
    for (const event of events) {
      if (event.kind === 'spawn') entries?.add(event);
      if (event.kind === 'spawn' && event.stallNs !== undefined) stalls.add(event, event.stallNs);
      else if (event.kind === 'exec') execDelays.add(event, event.delayNs);
    }
  });
  return {
    finish() {
      unsubscribe();
      const { rows, failures, health } = engine.snapshot();
      engine.close();
      const copiedEntries = health.eventsLost === 0 ? entries?.count : undefined;
      return {
        rows,
        failures,
        hooks: engine.hooks,
        health,
        stalls,
        execDelays,
        ...(copiedEntries !== undefined && { copiedEntries }),
      };
    },
  };
}
