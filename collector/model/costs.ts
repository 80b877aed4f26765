/** The values of a cost row: types, zero and sums, all from the table of columns. */
import { HISTOGRAM_BOUNDS } from './bounds.ts';
import { COST_COLUMNS, type ColumnGroup, type ColumnKind, type CostColumn, type CostColumnName } from './columns.ts';
import { addHistograms, emptyHistogram, histogramCount, subtractHistograms, type Histogram } from './histogram.ts';

/** The value of each column, in one row or in a sum of rows. */
export type Costs = {
  readonly [Name in CostColumnName]: ColumnKind<Name> extends 'counter' ? number : Histogram;
};

type Column = CostColumn & { readonly name: CostColumnName };

const COLUMNS: readonly Column[] = Object.entries(COST_COLUMNS).map(([name, { kind, needs }]) => ({
  name: name as CostColumnName,
  kind,
  needs,
}));

/** Builds an object with a value for each column. The type of a value depends on the kind of its column. */
export function eachColumn<Values>(valueOf: (column: Column) => Values[keyof Values]): Values {
  const values: Partial<Record<CostColumnName, unknown>> = {};
  for (const column of COLUMNS) values[column.name] = valueOf(column);
  return values as Values;
}

export const NO_COSTS = eachColumn<Costs>(({ kind }) =>
  kind === 'counter' ? 0 : emptyHistogram(HISTOGRAM_BOUNDS[kind]),
);

export function addCosts(a: Costs, b: Costs): Costs {
  return eachColumn(({ name }) => combine(a[name], b[name], (x, y) => x + y, addHistograms));
}

/** Gives what was counted between `earlier` and `later`. */
export function subtractCosts(later: Costs, earlier: Costs): Costs {
  return eachColumn(({ name }) => combine(later[name], earlier[name], (x, y) => x - y, subtractHistograms));
}

/** Whether any column is not zero. */
export function isCharged(costs: Costs): boolean {
  return COLUMNS.some(({ name }) => {
    const value = costs[name];
    return typeof value === 'number' ? value > 0 : histogramCount(value) > 0;
  });
}

/** Gives the columns that have no meaning while these groups are absent. */
export function unfedColumns(absent: Pick<ReadonlySet<ColumnGroup>, 'has'>): CostColumnName[] {
  return COLUMNS.filter(({ needs }) => needs.some((group) => absent.has(group))).map(({ name }) => name);
}

type Value = number | Histogram;

function combine(
  a: Value,
  b: Value,
  numbers: (a: number, b: number) => number,
  histograms: (a: Histogram, b: Histogram) => Histogram,
): Value {
  return typeof a === 'number' ? numbers(a, b as number) : histograms(a, b as Histogram);
}
