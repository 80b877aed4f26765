/** The two text formats: Prometheus 0.0.4 and OpenMetrics 1.0.0. */
import { SCALES, type HistogramKind } from '../../model/bounds.ts';
import { slotOf } from '../../model/histogram.ts';
import type { SlowestSpawn } from '../../model/rows.ts';
import { CLASSIC_BUCKETS, cumulativeCounts } from './classic.ts';
import type { BucketsSample, Family, FamilyHead, Labels, SlotsSample } from './family.ts';

export type TextFormat = 'text' | 'openmetrics';

const NS_PER_SECOND = 1e9;

/** Yields text in pieces, so that a large table neither holds the event loop nor lies in memory whole. */
export function* renderText({ head, samples }: Family, format: TextFormat): Generator<string> {
  yield header(head, format);
  for (const sample of samples) {
    if ('value' in sample) yield line(head.name, labelText(sample.labels), sample.value);
    else if ('buckets' in sample) yield bucketsText(head.name, sample);
    else yield slotsText(head.name, sample, format);
  }
}

/** OpenMetrics names a counter without `_total` here. */
function header({ name, kind, unit, help }: FamilyHead, format: TextFormat): string {
  if (format === 'text') return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${kind}\n`;
  const family = kind === 'counter' ? name.replace(/_total$/, '') : name;
  const unitLine = unit ? `# UNIT ${family} ${unit}\n` : '';
  return `# HELP ${family} ${escapeValue(help)}\n# TYPE ${family} ${kind}\n${unitLine}`;
}

function bucketsText(name: string, { labels, buckets, sum, count }: BucketsSample): string {
  const text = labelText(labels);
  const start = bucketStart(name, text);
  const lines = buckets.map(([bound, upTo]) => `${start}${bucketEnd(bound)}${upTo}\n`).join('');
  return lines + line(`${name}_sum`, text, sum) + line(`${name}_count`, text, count);
}

/** The end of each bucket's line before its count. */
const SLOTS_ENDS: Readonly<Record<HistogramKind, readonly string[]>> = {
  timeHistogram: bucketEnds('timeHistogram'),
  lifetimeHistogram: bucketEnds('lifetimeHistogram'),
  sizeHistogram: bucketEnds('sizeHistogram'),
};

function slotsText(name: string, { labels, scale, histogram, slowest }: SlotsSample, format: TextFormat): string {
  const text = labelText(labels);
  const start = bucketStart(name, text);
  const counts = cumulativeCounts(histogram, CLASSIC_BUCKETS[scale]);
  let lines = '';
  if (slowest && format === 'openmetrics') {
    const slowestAt = slotOf(CLASSIC_BUCKETS[scale].bounds, slowest.stallNs / NS_PER_SECOND);
    for (const [i, end] of SLOTS_ENDS[scale].entries())
      lines += `${start}${end}${counts[i]}${i === slowestAt ? exemplar(slowest) : ''}\n`;
  } else for (const [i, end] of SLOTS_ENDS[scale].entries()) lines += `${start}${end}${counts[i]}\n`;
  const sum = histogram.sum / SCALES[scale].unitsPerBase;
  return lines + line(`${name}_sum`, text, sum) + line(`${name}_count`, text, counts.at(-1) ?? 0);
}

function bucketStart(name: string, labels: string): string {
  return labels ? `${name}_bucket{${labels},` : `${name}_bucket{`;
}

function bucketEnds(kind: HistogramKind): string[] {
  return [...CLASSIC_BUCKETS[kind].bounds, Infinity].map(bucketEnd);
}

function bucketEnd(bound: number): string {
  return `le="${bound === Infinity ? '+Inf' : formatBound(bound)}"} `;
}

function exemplar({ pid, stallNs, atMs }: SlowestSpawn): string {
  return ` # {pid="${pid}"} ${stallNs / NS_PER_SECOND} ${atMs / 1000}`;
}

function labelText(labels: Labels): string {
  let text = '';
  for (const [name, value] of labels) {
    text += `${text ? ',' : ''}${name}="${/[\\"\n]/.test(value) ? escapeValue(value) : value}"`;
  }
  return text;
}

function line(name: string, labels: string, value: number): string {
  return labels ? `${name}{${labels}} ${formatValue(value)}\n` : `${name} ${formatValue(value)}\n`;
}

/**
 * The text of a histogram bound: that of Go's `strconv.FormatFloat(bound, 'g', -1, 64)`, with `.0` where it would look
 * like an integer. Prometheus 3 rewrites `le` to this, whatever the format. In this form a series has one name in every
 * version.
 */
export function formatBound(bound: number): string {
  const [digits = '', exponentText = '0'] = bound.toExponential().split('e');
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 6) return Number.isInteger(bound) ? `${bound}.0` : String(bound);
  const sign = exponent < 0 ? '-' : '+';
  return `${digits}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

function formatValue(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

function escapeHelp(help: string): string {
  return help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapeValue(value: string): string {
  return escapeHelp(value).replaceAll('"', '\\"');
}
