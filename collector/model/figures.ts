import { HISTOGRAM_BOUNDS } from './bounds.ts';
import { COST_COLUMNS, type ColumnGroup, type HistogramColumnName } from './columns.ts';
import type { Costs } from './costs.ts';
import type { Histogram } from './histogram.ts';
import type { CostRow } from './rows.ts';

/** A histogram that `--of` can choose. */
export interface Figure {
  readonly meaning: string;
  /** The figure is absent if no attached hook feeds one of these groups. */
  readonly needs: readonly ColumnGroup[];
  readonly unit: 'ns' | 'bytes';
  readonly bounds: readonly number[];
  of(costs: Costs): Histogram;
}

export const FIGURE_NAMES = ['stall', 'rss', 'exec-delay', 'lifetime', 'sibling-wait'] as const;

export const FIGURES: Readonly<Record<(typeof FIGURE_NAMES)[number], Figure>> = {
  stall: figure('stall', 'time that the caller stood still in the call'),
  rss: figure('copiedRss', 'resident memory copied to the child'),
  'exec-delay': figure('execDelay', 'time from the start of the child to its successful exec'),
  lifetime: figure('lifetime', 'time from the start of the child to its exit'),
  'sibling-wait': figure(
    'siblingWait',
    'time that another thread of the spawner waited while a fork copied its memory',
  ),
};

function figure(name: HistogramColumnName, meaning: string): Figure {
  const { kind, needs } = COST_COLUMNS[name];
  return {
    meaning,
    needs,
    unit: kind === 'sizeHistogram' ? 'bytes' : 'ns',
    bounds: HISTOGRAM_BOUNDS[kind],
    of: (costs) => costs[name],
  };
}

export const GROUPINGS = ['mechanism', 'spawner'] as const;
export type Grouping = (typeof GROUPINGS)[number];

export function groupOf(grouping: Grouping, row: CostRow): string {
  return grouping === 'mechanism' ? row.mechanism : row.comm;
}
