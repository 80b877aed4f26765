/** Costs from a collector that runs: what its /api/v1/costs says since it began. */
import { askCollector } from '../remote/ask-collector.ts';
import type { ColumnGroup } from '../model/columns.ts';
import type { CostRow } from '../model/rows.ts';
import { NO_COSTS } from '../model/costs.ts';
import { examine } from './examine.ts';
import { demandStalls, type Observation } from './observe-host.ts';

const LOCAL = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** @throws FORKTAX_COLLECTOR, FORKTAX_NO_HOOK */
export async function observeCollector(url: string): Promise<Observation> {
  const base = new URL(url);
  const { absent, rows: counted, health } = await fetchCosts(base);
  demandStalls(new Map(absent.map(({ column, reason }) => [column, reason])));
  const rows = counted.map((row): CostRow => Object.assign({}, NO_COSTS, row));
  return {
    rows,
    eventsLost: health.eventsLost,
    spawnerOf(comm) {
      if (!LOCAL.test(base.hostname)) return undefined;
      const slowest = rows.filter((row) => row.comm === comm).flatMap((row) => row.slowest ?? []);
      const [longest] = slowest.toSorted((a, b) => b.stallNs - a.stallNs);
      return longest && examine(longest.pid, comm);
    },
  };
}

/** With what is avoidable by the cost of afork here; the collector has counted with another. */
export function atCost(rows: readonly CostRow[], aforkCostNs: number): CostRow[] {
  const avoidable = ({ execStallNs, execStalls }: CostRow): number =>
    Math.max(0, execStallNs - execStalls * aforkCostNs);
  return rows.map((row) => Object.assign({}, row, { avoidableStallNs: avoidable(row) }));
}

interface Costs {
  readonly schema: number;
  readonly absent: readonly { readonly column: ColumnGroup; readonly reason: string }[];
  /** Without what is absent. */
  readonly rows: readonly (Partial<CostRow> & Pick<CostRow, 'comm' | 'mechanism' | 'syscall'>)[];
  readonly health: { readonly eventsLost: number };
}

async function fetchCosts(url: URL): Promise<Costs> {
  return askCollector(url, 'api/v1/costs', 'no costs from', async (response) => {
    const costs = camelCased(await response.json()) as Costs;
    if (costs.schema !== 1 || !Array.isArray(costs.rows)) throw new Error('it is no collector that this forktax knows');
    return costs;
  });
}

/** The names of fields as they are within. */
function camelCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCased);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, each]) => [camel(name), camelCased(each)]);
  return Object.fromEntries(entries);
}

function camel(name: string): string {
  return name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
