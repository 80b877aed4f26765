/** The table of spawn costs of a running collector: /api/v1/costs. */
import { z } from 'zod';
import { HISTOGRAM_BOUNDS } from '../model/bounds.ts';
import { COLUMN_GROUPS, COST_COLUMNS, type ColumnGroup, type CostColumn } from '../model/columns.ts';
import { NO_COSTS } from '../model/costs.ts';
import { snakeCase } from '../model/names.ts';
import { ROW_LABELS, type RowLabel } from '../model/options.ts';
import type { CostRow } from '../model/rows.ts';
import { MECHANISMS, SYSCALLS } from '../model/spawn.ts';
import { askCollector } from './ask-collector.ts';

export interface CollectorRow extends CostRow {
  /** The path of its cgroup, from a collector with such a label. */
  readonly cgroup?: string;
}

export interface CollectorCosts {
  /** The columns that the collector cannot measure, and why. */
  readonly absent: ReadonlyMap<ColumnGroup, string>;
  /** What the collector cannot measure is 0 here. */
  readonly rows: readonly CollectorRow[];
  readonly eventsLost: number;
  /** What else than comm, mechanism and syscall tells rows apart. */
  readonly label: RowLabel;
}

/** A row of all histograms is about 3 KiB of JSON, and a collector has 1024 rows unless it is told otherwise. */
const LIMITS = { mostBytes: 64 << 20, timeoutMs: 60_000 };

const count = z.number().nonnegative();
const name = z.string().max(256);

function columnSchema({ kind }: CostColumn): z.ZodType {
  if (kind === 'counter') return count.optional();
  return z.object({ counts: z.array(count).length(HISTOGRAM_BOUNDS[kind].length + 1), sum: count }).optional();
}

/** By the names of the API. */
const columns = Object.fromEntries(
  Object.entries(COST_COLUMNS).map(([column, description]) => [snakeCase(column), columnSchema(description)]),
);

const answerSchema = z.object({
  schema: z.literal(1),
  engine: z.object({ label: z.enum(ROW_LABELS) }),
  absent: z.array(z.object({ column: z.enum(COLUMN_GROUPS), reason: z.string() })),
  health: z.object({ events_lost: count }),
  rows: z.array(
    z.object({
      ...columns,
      comm: name,
      mechanism: z.enum(MECHANISMS),
      syscall: z.enum(SYSCALLS),
      id: name.optional(),
      cgroup: z.string().max(4096).optional(),
      slowest: z.object({ pid: count, stall_ns: count, at_ms: count }).optional(),
    }),
  ),
});

/** @throws FORKTAX_COLLECTOR also when the answer is not what a collector answers: names the first part that is wrong */
export async function fetchCosts(url: URL): Promise<CollectorCosts> {
  const { absent, rows, health, engine } = await askCollector(url, {
    path: 'api/v1/costs',
    problem: 'no costs from',
    ...LIMITS,
    read: parseAnswer,
  });
  return {
    absent: new Map(absent.map(({ column, reason }) => [column, reason])),
    rows: rows.map((row): CollectorRow => Object.assign({}, NO_COSTS, camelCased(row) as Partial<CostRow> & KeyOfRow)),
    eventsLost: health.events_lost,
    label: engine.label,
  };
}

type KeyOfRow = Pick<CostRow, 'comm' | 'mechanism' | 'syscall'>;

function parseAnswer(text: string): z.output<typeof answerSchema> {
  const result = answerSchema.safeParse(JSON.parse(text));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue?.path.join('.');
  throw new Error(
    `the answer is not that of a collector which this version of forktax knows: ${where ? `${where}: ` : ''}${issue?.message}`,
  );
}

/** Renames the fields from the API's names to those of the model. */
function camelCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCased);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([field, each]) => [camel(field), camelCased(each)]);
  return Object.fromEntries(entries);
}

function camel(field: string): string {
  return field.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
