import { type Histogram, histogramCount, quantile } from '../model/histogram.ts';
import type { Figure } from '../model/figures.ts';
import { formatBytes, formatCount, formatDuration } from './format.ts';

const STARS = 40;

/** The words and widths for bounds, as in bcc's tools. */
const LOOK = {
  ns: { title: 'usecs', scale: 1e3, format: formatDuration },
  bytes: { title: 'kbytes', scale: 1024, format: formatBytes },
} as const;

/**
 * Prints a histogram as bcc's print_log2_hist does, from the first bucket that is not empty to the last. A bucket counts
 * values above its left bound, up to and including its right bound.
 */
export function renderHistogram(histogram: Histogram, figure: Figure): string {
  const counts = Array.from(histogram.counts);
  const first = counts.findIndex((count) => count > 0);
  const last = counts.findLastIndex((count) => count > 0);
  const most = Math.max(...counts);
  const lines = [`     ${LOOK[figure.unit].title.padEnd(19)} : count    distribution`];
  for (let i = first; i >= 0 && i <= last; i++) lines.push(bucketLine(figure, i, counts[i] ?? 0, most));
  return `${lines.join('\n')}\n${quantiles(histogram, figure)}\n`;
}

function bucketLine({ bounds, unit }: Figure, i: number, count: number, most: number): string {
  const { scale } = LOOK[unit];
  const above = String((bounds[i - 1] ?? 0) / scale).padStart(10);
  const bound = bounds[i];
  const upTo = (bound === undefined ? 'more' : String(bound / scale)).padEnd(10);
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
