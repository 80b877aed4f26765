/** Measures spawn costs on this host for a while. */
import { absentColumns } from '../model/hooks.ts';
import type { Engine } from '../model/engine.ts';
import { pause } from '../terminal/stop.ts';
import { requireStalls, type Observation } from './observation.ts';
import { Spawners } from './spawners.ts';

/**
 * Observes until the time has passed or `stop` is aborted. The engine has the label `pid`, and stays open.
 * @throws FORKTAX_NO_HOOK
 */
export async function observeHost(engine: Engine, ns: number, stop: AbortSignal): Promise<Observation> {
  requireStalls(absentColumns(engine.hooks));
  const spawners = new Spawners();
  const start = performance.now();
  const unsubscribe = engine.subscribe((events) => {
    for (const event of events) spawners.take(event);
  });
  await pause(ns, stop);
  const observedNs = (performance.now() - start) * 1e6;
  await engine.settle?.();
  unsubscribe();
  const { rows, health } = engine.snapshot();
  return {
    rows,
    ns: observedNs,
    label: 'pid',
    spawnerOf: (row) => spawners.of(row),
    eventsLost: health.eventsLost,
  };
}
