/** The values of a cost row by the table of columns: their types, their zero, their sums. */
import {
  COST_COLUMNS,
  HISTOGRAM_BOUNDS,
  type ColumnGroup,
  type ColumnKind,
  type CostColumn,
  type CostColumnName,
} from './columns.ts';
import { addHistograms, emptyHistogram, histogramCount, subtractHistograms, type Histogram } from './histogram.ts';

/** What one row, or a sum of rows, has in each column. */
export type Costs = {
  readonly [Name in CostColumnName]: ColumnKind<Name> extends 'counter' ? number : Histogram;
};

type Column = CostColumn & { readonly name: CostColumnName };

const COLUMNS: readonly Column[] = Object.entries(COST_COLUMNS).map(([name, { kind, needs }]) => ({
  name: name as CostColumnName,
  kind,
  needs,
}));

/** A value for each column, whichever type the values of its kind have. */
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

/** What was counted in `later` and not yet in `earlier`. */
export function subtractCosts(later: Costs, earlier: Costs): Costs {
  return eachColumn(({ name }) => combine(later[name], earlier[name], (x, y) => x - y, subtractHistograms));
}

/** Whether any column holds anything. */
export function isCharged(costs: Costs): boolean {
  return COLUMNS.some(({ name }) => {
    const value = costs[name];
    return typeof value === 'number' ? value > 0 : histogramCount(value) > 0;
  });
}

/** The columns that mean nothing while these groups are absent. */
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
