/** Takes spawn costs from a running collector, as they are since it started. */
import type { CostRow } from '../model/rows.ts';
import { parseCollectorUrl } from '../remote/collector-url.ts';
import { fetchCosts } from '../remote/costs.ts';
import { examineSpawner } from '../advice/examine-spawner.ts';
import { requireStalls, type Observation } from '../advice/observation.ts';

/** The spawners of a collector on this host can be examined. */
const THIS_HOST = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** @throws FORKTAX_COLLECTOR, FORKTAX_NO_HOOK */
export async function observeCollector(url: string): Promise<Observation> {
  const base = parseCollectorUrl(url);
  const { absent, rows, eventsLost, label } = await fetchCosts(base);
  requireStalls(absent);
  return {
    rows,
    eventsLost,
    label,
    spawnerOf({ comm, id, slowest }) {
      const pid = label === 'pid' && id !== undefined ? Number(id) : slowest?.pid;
      if (pid === undefined) return undefined;
      const examined = THIS_HOST.test(base.hostname) ? examineSpawner(pid, comm) : undefined;
      return examined ?? (label === 'pid' ? { pid } : undefined);
    },
  };
}

/** Computes avoidable stall with the cost of afork on this host; the collector assumed another cost. */
export function atCost(rows: readonly CostRow[], aforkCostNs: number): CostRow[] {
  const avoidable = ({ execStallNs, execStalls }: CostRow): number =>
    Math.max(0, execStallNs - execStalls * aforkCostNs);
  return rows.map((row) => Object.assign({}, row, { avoidableStallNs: avoidable(row) }));
}
