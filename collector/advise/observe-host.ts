/** Measures spawn costs on this host for a while. */
import { absentColumns } from '../model/hooks.ts';
import type { Engine } from '../model/engine.ts';
import { pause } from '../terminal/stop.ts';
import { examineSpawner, type ExaminedSpawner } from './examine-spawner.ts';
import { requireStalls, type Observation } from './observation.ts';

/**
 * Observes until the time has passed or `stop` is aborted. The engine stays open.
 * @throws FORKTAX_NO_HOOK
 */
export async function observeHost(engine: Engine, ns: number, stop: AbortSignal): Promise<Observation> {
  requireStalls(absentColumns(engine.hooks));
  const spawners = new Map<number, Spawner>();
  const start = performance.now();
  const unsubscribe = engine.subscribe((events) => {
    for (const event of events) if (event.kind === 'spawn') note(spawners, event);
  });
  await pause(ns, stop);
  unsubscribe();
  const { rows, health } = engine.snapshot();
  return {
    rows,
    ns: (performance.now() - start) * 1e6,
    spawnerOf: (comm) => longestOf([...spawners.values()], comm)?.examined,
    eventsLost: health.eventsLost,
  };
}

interface Spawner {
  readonly comm: string;
  stallNs: number;
  readonly examined: ExaminedSpawner | undefined;
}

/** Examines a spawner at its first spawn, because many end soon. */
function note(
  spawners: Map<number, Spawner>,
  { pid, comm, stallNs = 0 }: { pid: number; comm: string; stallNs?: number },
): void {
  const known = spawners.get(pid);
  if (known?.comm === comm) known.stallNs += stallNs;
  else spawners.set(pid, { comm, stallNs, examined: examineSpawner(pid, comm) });
}

function longestOf(spawners: readonly Spawner[], comm: string): Spawner | undefined {
  const named = spawners.filter((spawner) => spawner.comm === comm && spawner.examined);
  return named.toSorted((a, b) => b.stallNs - a.stallNs)[0];
}
