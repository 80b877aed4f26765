/** Renders spawn costs as text straight from the table. 1,000 rows, which are 100,000 lines, take about 25 ms. */
import { COST_COLUMNS, type ColumnGroup } from '../../model/columns.ts';
import type { CostRow, SlowestSpawn } from '../../model/rows.ts';
import { slotOf } from '../../model/histogram.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { SCALES, type HistogramKind } from '../../model/bounds.ts';
import { CLASSIC_BUCKETS, cumulativeCounts } from './classic.ts';
import {
  feedingGroups,
  ROW_LABELS,
  SPAWN_METRICS,
  type FailureCounter,
  type RoleCounter,
  type RowCounter,
  type RowHistogram,
} from './descriptors.ts';
import { errnoName } from '../../system/errno.ts';
import { labelText, seriesOf, type IdLabel, type Series } from './series.ts';
import { formatBound, header, label, sample, type Format } from './text.ts';

const NS_PER_SECOND = 1e9;

/** The end of a bucket's line before its count, the last for what is above all bounds. */
const TAILS: Readonly<Record<HistogramKind, readonly string[]>> = {
  timeHistogram: tailsOf('timeHistogram'),
  lifetimeHistogram: tailsOf('lifetimeHistogram'),
  sizeHistogram: tailsOf('sizeHistogram'),
};

interface Scrape {
  readonly format: Format;
  readonly series: readonly Series[];
  readonly failures: Snapshot['failures'];
  readonly idLabel: IdLabel | undefined;
}

/** Yields text in pieces, so that a large table neither blocks the event loop nor is in memory as a whole. */
export function* renderSpawnMetrics(
  snapshot: Snapshot,
  format: Format,
  absent: ReadonlyMap<ColumnGroup, string>,
  idLabel?: IdLabel,
): Generator<string> {
  const scrape = { format, series: seriesOf(snapshot.rows, idLabel), failures: snapshot.failures, idLabel };
  for (const metric of SPAWN_METRICS) {
    if (feedingGroups(metric).some((group) => absent.has(group))) continue;
    yield header(metric, format);
    if (metric.kind === 'histogram') yield* renderHistograms(metric, scrape);
    else if ('failure' in metric) yield* renderCounts(metric, failureCounts(metric, scrape));
    else yield* renderCounts(metric, rowCounts(metric, scrape));
  }
}

function* renderHistograms(metric: RowHistogram, scrape: Scrape): Generator<string> {
  for (const { row, labels } of scrape.series) {
    const slowest = metric.slowest && scrape.format === 'openmetrics' ? row.slowest : undefined;
    yield renderHistogram(metric, row, labels, slowest);
  }
}

function renderHistogram(metric: RowHistogram, row: CostRow, labels: string, slowest?: SlowestSpawn): string {
  const histogram = row[metric.column];
  const { kind } = COST_COLUMNS[metric.column];
  const { unitsPerBase } = SCALES[kind];
  const counts = cumulativeCounts(histogram, CLASSIC_BUCKETS[kind]);
  const exemplarAt = slowest ? slotOf(CLASSIC_BUCKETS[kind].bounds, slowest.stallNs / NS_PER_SECOND) : -1;
  const start = `${metric.name}_bucket{${labels}`;
  let text = '';
  for (const [bucket, tail] of TAILS[kind].entries())
    text += `${start}${tail}${counts[bucket]}${slowest && bucket === exemplarAt ? exemplar(slowest) : ''}\n`;
  return (
    text +
    sample(`${metric.name}_sum`, labels, histogram.sum / unitsPerBase) +
    sample(`${metric.name}_count`, labels, counts.at(-1) ?? 0)
  );
}

function exemplar(slowest: SlowestSpawn): string {
  return ` # {${label('pid', String(slowest.pid))}} ${slowest.stallNs / NS_PER_SECOND} ${slowest.atMs / 1000}`;
}

function* renderCounts(
  metric: RowCounter | RoleCounter | FailureCounter,
  counts: Iterable<readonly [labels: string, value: number]>,
): Generator<string> {
  const unitsPerBase = metric.unit === 'seconds' ? NS_PER_SECOND : 1;
  for (const [labels, value] of counts) yield sample(metric.name, labels, value / unitsPerBase);
}

function rowCounts(
  metric: RowCounter | RoleCounter,
  { series, idLabel }: Scrape,
): Iterable<readonly [labels: string, value: number]> {
  const counts = new Map<string, number>();
  if ('column' in metric) {
    if (metric.labels === ROW_LABELS) return series.map(({ labels, row }) => [labels, row[metric.column]] as const);
    for (const { row } of series) add(counts, labelText(row, metric.labels, idLabel), row[metric.column]);
    return counts;
  }
  for (const [role, column] of Object.entries(metric.roles)) {
    for (const { row } of series) {
      add(counts, `${labelText(row, ['comm'], idLabel)},${label('role', role)}`, row[column]);
    }
  }
  return counts;
}

function failureCounts(metric: FailureCounter, { series, failures, idLabel }: Scrape): Map<string, number> {
  const counts = new Map<string, number>();
  const others = metric.labels.filter((name) => name !== 'errno');
  for (const { row } of series) {
    for (const error of metric.expectedErrors) add(counts, withErrno(labelText(row, others, idLabel), error), 0);
  }
  for (const failure of failures) {
    if (failure.kind !== metric.failure) continue;
    add(counts, withErrno(labelText(failure, others, idLabel), errnoName(failure.errno)), failure.count);
  }
  return counts;
}

function withErrno(labels: string, error: string): string {
  return `${labels},${label('errno', error)}`;
}

function add(counts: Map<string, number>, key: string, value: number): void {
  counts.set(key, (counts.get(key) ?? 0) + value);
}

function tailsOf(kind: HistogramKind): string[] {
  const texts = [...CLASSIC_BUCKETS[kind].bounds.map(formatBound), '+Inf'];
  return texts.map((text) => `,${label('le', text)}} `);
}
