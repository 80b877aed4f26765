/** Renders spawn costs as text straight from the table. 1,000 rows, which are 100,000 lines, take about 25 ms. */
import { COST_COLUMNS, type ColumnGroup } from '../../model/columns.ts';
import type { CostRow, SlowestSpawn } from '../../model/rows.ts';
import { slotOf } from '../../model/histogram.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { SCALES, type HistogramKind } from '../../model/bounds.ts';
import { CLASSIC_BUCKETS, cumulativeCounts } from './classic.ts';
import {
  feedingGroups,
  SPAWN_METRICS,
  type FailureCounter,
  type RoleCounter,
  type RowCounter,
  type RowHistogram,
} from './descriptors.ts';
import { errnoName } from '../../system/errno.ts';
import { EvictionClock } from './eviction-clock.ts';
import type { IdLabels } from './id-labels.ts';
import { labelText, seriesOf, type Series } from './series.ts';
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
  readonly rows: readonly CostRow[];
  /** The series of a metric that has these labels. */
  readonly seriesBy: (labels: readonly string[]) => readonly Series[];
  readonly failures: Snapshot['failures'];
  readonly idLabels: IdLabels | undefined;
}

/** The labels of each metric that come from a row. `role` comes from the metric. */
const rowLabelsOf = (labels: readonly string[]): readonly string[] => labels.filter((name) => name !== 'role');

/** Each set of labels that metrics of rows have. */
const LABEL_SETS: readonly (readonly string[])[] = [
  ...new Map(
    SPAWN_METRICS.filter((metric) => !('failure' in metric)).map(({ labels }) => {
      const names = rowLabelsOf(labels);
      return [names.join(), names] as const;
    }),
  ).values(),
];

/** Yields text in pieces, so that a large table neither blocks the event loop nor is in memory as a whole. */
export function* renderSpawnMetrics(
  snapshot: Snapshot,
  format: Format,
  absent: ReadonlyMap<ColumnGroup, string>,
  idLabels?: IdLabels,
  evictions = new EvictionClock(),
): Generator<string> {
  const { rows, failures } = snapshot;
  const scrape = { format, rows, seriesBy: seriesByLabels(snapshot, idLabels, evictions), failures, idLabels };
  for (const metric of SPAWN_METRICS) {
    if (feedingGroups(metric).some((group) => absent.has(group))) continue;
    yield header(metric, format);
    if (metric.kind === 'histogram') yield* renderHistograms(metric, scrape);
    else if ('failure' in metric) yield* renderCounts(metric, failureCounts(metric, scrape));
    else yield* renderCounts(metric, rowCounts(metric, scrape));
  }
}

function seriesByLabels({ rows, atMs }: Snapshot, idLabels: IdLabels | undefined, evictions: EvictionClock) {
  const sets = LABEL_SETS.map((names) => [names.join(), seriesOf(rows, names, idLabels)] as const);
  const evicted = sets.flatMap(([, set]) => set.evicted);
  const until = evicted.length > 0 ? evictions.until(evicted, atMs) : '';
  const series = new Map(
    sets.map(([names, set]) => [
      names,
      [...set.live, ...set.evicted.map(({ row, labels }) => ({ row, labels: `${labels},${until}` }))],
    ]),
  );
  return (labels: readonly string[]): readonly Series[] => series.get(rowLabelsOf(labels).join()) ?? [];
}

function* renderHistograms(metric: RowHistogram, scrape: Scrape): Generator<string> {
  for (const { row, labels } of scrape.seriesBy(metric.labels)) {
    const slowest = metric.slowest && scrape.format === 'openmetrics' && !row.evicted ? row.slowest : undefined;
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

function* rowCounts(
  metric: RowCounter | RoleCounter,
  { seriesBy }: Scrape,
): Generator<readonly [labels: string, value: number]> {
  const series = seriesBy(metric.labels);
  if ('column' in metric) for (const { row, labels } of series) yield [labels, row[metric.column]];
  else
    for (const [role, column] of Object.entries(metric.roles))
      for (const { row, labels } of series) yield [`${labels},${label('role', role)}`, row[column]];
}

function failureCounts(metric: FailureCounter, { rows, failures, idLabels }: Scrape): Map<string, number> {
  const counts = new Map<string, number>();
  const others = metric.labels.filter((name) => name !== 'errno');
  for (const row of rows) {
    if (row.evicted) continue;
    for (const error of metric.expectedErrors) add(counts, withErrno(labelText(row, others, idLabels), error), 0);
  }
  for (const failure of failures) {
    if (failure.kind !== metric.failure) continue;
    add(counts, withErrno(labelText(failure, others, idLabels), errnoName(failure.errno)), failure.count);
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
