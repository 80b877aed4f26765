/** Watches a process and its descendants with the probes. */
import {
  DEFAULT_ENGINE_OPTIONS,
  type CostRow,
  type Engine,
  type EngineEvent,
  type FailureRow,
  type Health,
  type Hook,
  type Mechanism,
} from '../../engine/engine.ts';
import { ForktaxError } from '../../errors.ts';
import { Sketch } from '../../ledger/sketch.ts';

/** Room for the events of a burst: about 16,000. */
const RING_BYTES = 1 << 22;

/** What spawns cost, and how much of it could be seen. */
export interface Measurement {
  readonly rows: readonly CostRow[];
  readonly failures: readonly FailureRow[];
  readonly hooks: readonly Hook[];
  readonly health: Health;
  /** Of all spawns, or of one name and mechanism: finer than the histograms, but without events that were lost. */
  readonly stalls: (group?: Group) => Sketch | undefined;
}

interface Group {
  readonly comm: string;
  readonly mechanism: Mechanism;
}

export interface Meter {
  /** Detaches the probes. */
  finish(): Measurement;
}

/** Gives the reason if nothing can be measured here. */
export async function openMeter(pid: number): Promise<Meter | ForktaxError> {
  const { openCoreEngine } = await import('../../engine/core.ts');
  try {
    const filter = { pid, follow: true };
    return meter(openCoreEngine({ ...DEFAULT_ENGINE_OPTIONS, filter, ringBytes: RING_BYTES }));
  } catch (error) {
    if (error instanceof ForktaxError) return error;
    throw error;
  }
}

export function meter(engine: Engine): Meter {
  const all = new Sketch();
  const stalls = new Map<string, Sketch>();
  const unsubscribe = engine.subscribe((events) => {
    for (const event of events) addStall(event);
  });
  return {
    finish() {
      unsubscribe();
      const { rows, failures, health } = engine.snapshot();
      engine.close();
      const { hooks } = engine;
      return { rows, failures, hooks, health, stalls: (group) => (group ? stalls.get(keyOf(group)) : all) };
    },
  };

  function addStall(event: EngineEvent): void {
    if (event.kind !== 'spawn' || event.stallNs === undefined) return;
    const sketch = stalls.get(keyOf(event)) ?? new Sketch();
    stalls.set(keyOf(event), sketch);
    sketch.add(event.stallNs);
    all.add(event.stallNs);
  }
}

function keyOf({ comm, mechanism }: Group): string {
  return `${mechanism} ${comm}`;
}
