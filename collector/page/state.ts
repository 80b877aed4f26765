/** What is shown. All of it stands in the hash of the URL, so that a copied link shows the same. */

export const RANGES = { '1m': 60, '5m': 300, '15m': 900, all: Infinity } as const;
export type Range = keyof typeof RANGES;

const SORTS = ['name', 'spawns', 'stall', 'p50', 'p99', 'copied', 'avoidable', 'failures'] as const;
export type Sort = (typeof SORTS)[number];

/** In nanoseconds; 0: the events are not asked for. */
export const SLOW_NS = { off: 0, '1ms': 1e6, '10ms': 1e7, '100ms': 1e8 } as const;
export type Slow = keyof typeof SLOW_NS;

export interface State {
  readonly range: Range;
  /** Milliseconds since the epoch; absent: now, moving on. */
  readonly end?: number;
  /** The key of the only spawner that is shown; absent: all. */
  readonly spawner?: string;
  readonly sort: Sort;
  readonly slow: Slow;
  readonly filter: string;
}

const DEFAULT: State = { range: '5m', sort: 'stall', slow: '10ms', filter: '' };

export function parseState(hash: string): State {
  const fields = new URLSearchParams(hash.replace(/^#/, ''));
  const range = fields.get('range') ?? '';
  const sort = fields.get('sort') ?? '';
  const slow = fields.get('slow') ?? '';
  const end = Number(fields.get('end') ?? Number.NaN);
  const spawner = fields.get('spawner');
  return {
    range: range in RANGES ? (range as Range) : DEFAULT.range,
    sort: (SORTS as readonly string[]).includes(sort) ? (sort as Sort) : DEFAULT.sort,
    slow: slow in SLOW_NS ? (slow as Slow) : DEFAULT.slow,
    filter: fields.get('filter') ?? '',
    ...(Number.isFinite(end) && { end }),
    ...(spawner !== null && { spawner }),
  };
}

/** Only what differs from the defaults. */
export function formatState(state: State): string {
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries(state)) {
    if (value !== undefined && value !== DEFAULT[name as keyof State]) fields.set(name, String(value));
  }
  return fields.size === 0 ? '#' : `#${fields}`;
}
