/** Costs from an engine of one's own. */
import { absentColumns } from '../model/hooks.ts';
import type { ColumnGroup } from '../model/columns.ts';
import type { CostRow } from '../model/rows.ts';
import type { Engine } from '../model/engine.ts';
import { ForktaxError } from '../model/errors.ts';
import { pause } from '../terminal/stop.ts';
import { examine, type Examined } from './examine.ts';

export interface Observation {
  readonly rows: readonly CostRow[];
  /** For how long; undefined: since the collector began. */
  readonly ns?: number;
  /** The spawner of this name that stood still longest, as far as it could be looked at. */
  readonly spawnerOf: (comm: string) => Examined | undefined;
  readonly eventsLost: number;
}

/** Observes until the time is over or it is stopped; leaves the engine open. */
export async function observe(engine: Engine, ns: number, stop: AbortSignal): Promise<Observation> {
  demandStalls(absentColumns(engine.hooks));
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

/** @throws FORKTAX_NO_HOOK */
export function demandStalls(absent: ReadonlyMap<ColumnGroup, string>): void {
  const reason = absent.get('stall') ?? absent.get('exec');
  if (reason !== undefined) throw new ForktaxError('FORKTAX_NO_HOOK', `avoidable stall cannot be seen: ${reason}`);
}

interface Spawner {
  readonly comm: string;
  stallNs: number;
  readonly examined: Examined | undefined;
}

/** Looked at when first seen: many a spawner is gone soon. */
function note(
  spawners: Map<number, Spawner>,
  { pid, comm, stallNs = 0 }: { pid: number; comm: string; stallNs?: number },
): void {
  const known = spawners.get(pid);
  if (known?.comm === comm) known.stallNs += stallNs;
  else spawners.set(pid, { comm, stallNs, examined: examine(pid, comm) });
}

function longestOf(spawners: readonly Spawner[], comm: string): Spawner | undefined {
  const named = spawners.filter((spawner) => spawner.comm === comm && spawner.examined);
  return named.toSorted((a, b) => b.stallNs - a.stallNs)[0];
}
