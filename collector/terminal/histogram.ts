import { type Histogram, histogramCount, quantile } from '../model/histogram.ts';
import type { Figure } from '../model/figures.ts';
import { formatBytes, formatCount, formatDuration } from './format.ts';

const STARS = 40;
const MOST_LINES = 20;

const LOOK = {
  ns: { title: 'time', format: formatDuration },
  bytes: { title: 'size', format: formatBytes },
} as const;

/**
 * Prints a histogram as bcc's print_log2_hist does, from the first bucket that is not empty to the last. A bucket counts
 * values above its left bound, up to and including its right bound. Neighbours are merged if there are too many.
 */
export function renderHistogram(histogram: Histogram, figure: Figure): string {
  const { title } = LOOK[figure.unit];
  const buckets = bucketsOf(Array.from(histogram.counts));
  const most = Math.max(...buckets.map(({ count }) => count));
  const lines = [`     ${title.padEnd(19)} : count    distribution`];
  for (const bucket of buckets) lines.push(bucketLine(figure, bucket, most));
  return `${lines.join('\n')}\n${quantiles(histogram, figure)}\n`;
}

interface Bucket {
  /** The first of its slots, and the last. */
  readonly first: number;
  readonly last: number;
  readonly count: number;
}

/** As fine as fits: of one slot each, or of 2, 4, ..., such that bounds which are powers of two stay bounds. */
function bucketsOf(counts: readonly number[]): Bucket[] {
  const first = counts.findIndex((count) => count > 0);
  const last = counts.findLastIndex((count) => count > 0);
  for (let slots = 1; ; slots *= 2) {
    // Slot 0 ends in a power of two.
    const from = first - ((first + slots - 1) % slots);
    if ((last - from) / slots < MOST_LINES) return Array.from(bucketsFrom(counts, from, last, slots));
  }
}

function* bucketsFrom(counts: readonly number[], from: number, to: number, slots: number): Generator<Bucket> {
  if (to < 0) return;
  for (let first = from; first <= to; first += slots) {
    const last = Math.min(first + slots, counts.length) - 1;
    const count = counts.slice(Math.max(0, first), last + 1).reduce((sum, each) => sum + each, 0);
    yield { first, last, count };
  }
}

function bucketLine({ bounds, unit }: Figure, { first, last, count }: Bucket, most: number): string {
  const { format } = LOOK[unit];
  const above = format(bounds[first - 1] ?? 0).padStart(10);
  const bound = bounds[last];
  const upTo = (bound === undefined ? 'more' : format(bound)).padEnd(10);
  const stars = '*'.repeat(Math.floor((count * STARS) / most)).padEnd(STARS);
  return `${above} -> ${upTo} : ${String(count).padEnd(8)} |${stars}|`;
}

function quantiles(histogram: Histogram, { bounds, unit }: Figure): string {
  const count = histogramCount(histogram);
  const { format } = LOOK[unit];
  const about = (q: number): string => format(quantile(histogram, bounds, q) ?? 0);
  const average = format(count === 0 ? 0 : histogram.sum / count);
  return `count ${formatCount(count)}, average ${average}, p50 ~${about(0.5)}, p99 ~${about(0.99)}`;
}
