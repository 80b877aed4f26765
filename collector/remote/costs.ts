/** The table of spawn costs of a running collector: /api/v1/costs. */
import type { ColumnGroup } from '../model/columns.ts';
import type { RowLabel } from '../model/options.ts';
import type { CostRow } from '../model/rows.ts';
import { NO_COSTS } from '../model/costs.ts';
import { askCollector } from './ask-collector.ts';

export interface CollectorCosts {
  /** The columns that the collector cannot measure, and why. */
  readonly absent: ReadonlyMap<ColumnGroup, string>;
  /** What the collector cannot measure is 0 here. */
  readonly rows: readonly CostRow[];
  readonly eventsLost: number;
  /** What else than comm, mechanism and syscall tells rows apart. */
  readonly label: RowLabel;
}

/** @throws FORKTAX_COLLECTOR */
export async function fetchCosts(url: URL): Promise<CollectorCosts> {
  const { absent, rows, health, engine } = await askCollector(
    url,
    'api/v1/costs',
    'no costs from',
    async (response) => {
      const answer = camelCased(await response.json()) as Answer;
      if (answer.schema !== 1 || !Array.isArray(answer.rows))
        throw new Error('the answer is not that of a collector which this version of forktax knows');
      return answer;
    },
  );
  return {
    absent: new Map(absent.map(({ column, reason }) => [column, reason])),
    rows: rows.map((row): CostRow => Object.assign({}, NO_COSTS, row)),
    eventsLost: health.eventsLost,
    label: engine.label,
  };
}

interface Answer {
  readonly schema: number;
  readonly absent: readonly { readonly column: ColumnGroup; readonly reason: string }[];
  /** Rows lack the fields of absent columns. */
  readonly rows: readonly (Partial<CostRow> & Pick<CostRow, 'comm' | 'mechanism' | 'syscall'>)[];
  readonly engine: { readonly label: RowLabel };
  readonly health: { readonly eventsLost: number };
}

/** Renames the fields from the API's names to those of the model. */
function camelCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCased);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, each]) => [camel(name), camelCased(each)]);
  return Object.fromEntries(entries);
}

function camel(name: string): string {
  return name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
