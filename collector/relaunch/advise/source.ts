/** Where the costs come from: an engine of one's own, or a collector that runs. */
import { absentColumns, type CostRow, type Engine } from '../../engine/engine.ts';
import { ForktaxError } from '../../errors.ts';
import { pause } from '../../terminal/stop.ts';
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
  for (const column of ['stall', 'exec'] as const) {
    const reason = absentColumns(engine.hooks).get(column);
    if (reason !== undefined) throw new ForktaxError('FORKTAX_NO_HOOK', `avoidable stall cannot be seen: ${reason}`);
  }
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

const LOCAL = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/**
 * @param url of a collector: what its /api/v1/costs says since it began
 * @throws FORKTAX_COLLECTOR
 */
export async function observeCollector(url: string, aforkCostNs: number): Promise<Observation> {
  const base = new URL(url);
  const { rows, health } = await fetchCosts(base);
  return {
    rows: rows.map((row) => ({
      ...row,
      avoidableStallNs: Math.max(0, row.execStallNs - row.execStalls * aforkCostNs),
    })),
    eventsLost: health.eventsLost,
    spawnerOf(comm) {
      if (!LOCAL.test(base.hostname)) return undefined;
      const slowest = rows.filter((row) => row.comm === comm).flatMap((row) => row.slowest ?? []);
      const [longest] = slowest.toSorted((a, b) => b.stallNs - a.stallNs);
      return longest && examine(longest.pid, comm);
    },
  };
}

interface Costs {
  readonly schema: string;
  readonly rows: readonly CostRow[];
  readonly health: { readonly eventsLost: number };
}

async function fetchCosts(base: URL): Promise<Costs> {
  const address = new URL('api/v1/costs', base.href.endsWith('/') ? base : `${base.href}/`);
  const { username, password } = address;
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  const shown = `${address.origin}${address.pathname}`;
  address.username = '';
  address.password = '';
  try {
    const response = await fetch(address, {
      headers: username === '' ? {} : { authorization: `Basic ${credentials}` },
    });
    if (!response.ok) throw new Error(`it answers ${response.status} ${response.statusText}`);
    const costs = (await response.json()) as Costs;
    if (!costs.schema?.startsWith('forktax.costs/1')) throw new Error('it is no collector of forktax');
    return costs;
  } catch (cause) {
    const { message, cause: deeper } = cause as Error;
    const reason = deeper instanceof Error ? deeper.message : message;
    throw new ForktaxError('FORKTAX_COLLECTOR', `no costs from ${shown}: ${reason}`, { cause });
  }
}
