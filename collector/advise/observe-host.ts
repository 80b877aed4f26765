/** Takes spawn costs from an engine for a while: of this host, or of a recording. */
import { absentColumns } from '../model/hooks.ts';
import type { Engine } from '../model/engine.ts';
import { clockOf } from '../measuring/clock.ts';
import { requireStalls, type Observation } from '../advice/observation.ts';
import { Spawners } from '../advice/spawners.ts';

/**
 * Observes until the time has passed, `stop` is aborted, or a recording ends. The engine stays open. The processes of a
 * recording are none of this host, so they are not examined.
 * @throws FORKTAX_NO_HOOK
 */
export async function observeEngine(engine: Engine, ns: number | undefined, stop: AbortSignal): Promise<Observation> {
  requireStalls(absentColumns(engine.hooks));
  const spawners = engine.clock ? undefined : new Spawners();
  const clock = clockOf(engine);
  const start = clock.now();
  const unsubscribe = engine.subscribe((events) => {
    for (const event of events) spawners?.take(event);
  });
  await clock.pause(ns, stop);
  const observedNs = (clock.now() - start) * 1e6;
  await engine.settle?.();
  unsubscribe();
  const { rows, health } = engine.snapshot();
  return {
    rows,
    ns: observedNs,
    label: engine.label,
    spawnerOf: (row) => spawners?.of(row),
    eventsLost: health.eventsLost,
  };
}
