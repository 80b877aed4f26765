/** Watches a process and its descendants with the probes. */
import { readlinkSync } from 'node:fs';
import { DEFAULT_ENGINE_OPTIONS } from '../../model/options.ts';
import type { CostRow, FailureRow } from '../../model/rows.ts';
import type { Engine } from '../../model/engine.ts';
import type { Health } from '../../model/snapshot.ts';
import type { Hook } from '../../model/hooks.ts';
import { ForktaxError } from '../../model/errors.ts';
import { CopiedEntries } from './copied-entries.ts';
import { GroupedSketch } from './grouped-sketch.ts';

/** Room for the events of a burst: about 16,000. */
const RING_BYTES = 1 << 22;

/** What spawns cost, and how much of it could be seen. */
export interface Measurement {
  readonly rows: readonly CostRow[];
  readonly failures: readonly FailureRow[];
  readonly hooks: readonly Hook[];
  readonly health: Health;
  /** Finer than the histograms of the rows, but without the events that were lost. */
  readonly stalls: GroupedSketch;
  readonly execDelays: GroupedSketch;
  /** Page-table entries that forks copied, about; where that was asked for and could be known. */
  readonly copiedEntries?: number;
}

export interface Meter {
  /** Detaches the probes. */
  finish(): Measurement;
}

export interface MeterOptions {
  readonly countEntries?: boolean;
}

/** PROC_PID_INIT_INO of linux/proc_ns.h. */
const INITIAL_PID_NAMESPACE = 'pid:[4026531836]';

/** Gives the reason if nothing can be measured here. */
export async function openMeter(pid: number, options: MeterOptions = {}): Promise<Meter | ForktaxError> {
  if (readlinkSync('/proc/self/ns/pid') !== INITIAL_PID_NAMESPACE)
    return new ForktaxError(
      'FORKTAX_PID_NAMESPACE',
      'the probes know processes by other pids than those of this container',
    );
  const [{ openCoreEngine }, { loadNative }] = await Promise.all([
    import('../../engine/core/engine.ts'),
    import('../../system/native.ts'),
  ]);
  try {
    const filter = { pid, follow: true };
    const engine = openCoreEngine({ ...DEFAULT_ENGINE_OPTIONS, filter, ringBytes: RING_BYTES });
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
