import type { Column, CostRow, Histogram } from './engine.ts';
import { SIZE_BOUNDS_BYTES, TIME_BOUNDS_NS } from './bounds.ts';
import type { Costs } from './rows.ts';

/** What a histogram can be of. */
export interface Figure {
  readonly meaning: string;
  /** Absent where no hook feeds this. */
  readonly column: Column;
  readonly unit: 'ns' | 'bytes';
  readonly bounds: readonly number[];
  of(costs: Costs): Histogram;
}

export const FIGURE_NAMES = ['stall', 'rss', 'exec-delay', 'lifetime'] as const;

export const FIGURES: Readonly<Record<(typeof FIGURE_NAMES)[number], Figure>> = {
  stall: {
    meaning: 'how long the caller stood still',
    column: 'stall',
    unit: 'ns',
    bounds: TIME_BOUNDS_NS,
    of: ({ stall }) => stall,
  },
  rss: {
    meaning: 'resident memory copied to the child',
    column: 'spawns',
    unit: 'bytes',
    bounds: SIZE_BOUNDS_BYTES,
    of: ({ copiedRss }) => copiedRss,
  },
  'exec-delay': {
    meaning: 'from the birth of the child to its exec',
    column: 'exec',
    unit: 'ns',
    bounds: TIME_BOUNDS_NS,
    of: ({ execDelay }) => execDelay,
  },
  lifetime: {
    meaning: 'from the birth of the child to its end',
    column: 'lifetime',
    unit: 'ns',
    bounds: TIME_BOUNDS_NS,
    of: ({ lifetime }) => lifetime,
  },
};

export const GROUPINGS = ['mechanism', 'spawner'] as const;
export type Grouping = (typeof GROUPINGS)[number];

export function groupOf(grouping: Grouping, row: CostRow): string {
  return grouping === 'mechanism' ? row.mechanism : row.comm;
}
