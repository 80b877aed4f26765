/** Makes families of metrics from the table of spawn costs. */
import { COST_COLUMNS, type ColumnGroup, type CostColumnName } from '../../model/columns.ts';
import { addHistograms, histogramCount } from '../../model/histogram.ts';
import type { SlowestSpawn } from '../../model/rows.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { errnoName } from '../../system/errno.ts';
import { DEFAULT_METRIC_GROUPS, type MetricGroup } from '../../model/metric-groups.ts';
import {
  feedingGroups,
  SPAWN_METRICS,
  type FailureCounter,
  type RoleCounter,
  type RowCounter,
  type RowHistogram,
  type SpawnMetric,
} from './descriptors.ts';
import { EvictionClock } from './eviction-clock.ts';
import type { Family, Labels, Sample, SlotsSample, ValueSample } from './family.ts';
import type { IdLabels } from './id-labels.ts';
import { inOrder, keyOf, labelsOf, seriesOf, type Series } from './series.ts';

const NS_PER_SECOND = 1e9;

export interface SpawnFamiliesOptions {
  /** The groups of columns that no hook feeds. */
  readonly absent: Pick<ReadonlyMap<ColumnGroup, string>, 'has'>;
  readonly groups?: readonly MetricGroup[];
  readonly idLabels?: IdLabels | undefined;
  readonly evictions?: EvictionClock;
}

interface Table {
  /** The series of a metric that has these labels. */
  readonly seriesBy: (labels: readonly string[]) => readonly Series[];
  readonly failures: Snapshot['failures'];
  readonly idLabels: IdLabels | undefined;
}

export function* spawnFamilies(
  snapshot: Pick<Snapshot, 'rows' | 'failures' | 'atMs'>,
  { absent, groups = DEFAULT_METRIC_GROUPS, idLabels, evictions = new EvictionClock() }: SpawnFamiliesOptions,
): Generator<Family> {
  const table = { seriesBy: seriesByLabels(snapshot, idLabels, evictions), failures: snapshot.failures, idLabels };
  for (const metric of SPAWN_METRICS) {
    if (metric.group !== undefined && !groups.includes(metric.group)) continue;
    if (feedingGroups(metric).some((group) => absent.has(group))) continue;
    yield { head: metric, samples: samplesOf(metric, table) };
  }
}

/** The labels of each metric that come from a row. The others come from the metric. */
const rowLabelsOf = (labels: readonly string[]): readonly string[] =>
  labels.filter((name) => name !== 'role' && name !== 'errno');

/** Each set of labels that metrics have of rows. */
const LABEL_SETS: readonly (readonly string[])[] = [
  ...new Map(SPAWN_METRICS.map(({ labels }) => [rowLabelsOf(labels).join(), rowLabelsOf(labels)])).values(),
];

function seriesByLabels(
  { rows, atMs }: Pick<Snapshot, 'rows' | 'atMs'>,
  idLabels: IdLabels | undefined,
  evictions: EvictionClock,
) {
  const ordered = inOrder(rows);
  const sets = LABEL_SETS.map((names) => [names.join(), seriesOf(ordered, names, idLabels)] as const);
  const evicted = sets.flatMap(([, set]) => set.evicted);
  const until = evicted.length > 0 ? [evictions.until(evicted, atMs)] : [];
  const series = new Map(
    sets.map(([names, set]) => [
      names,
      [...set.live, ...set.evicted.map((one) => ({ ...one, labels: [...one.labels, ...until] }))],
    ]),
  );
  return (labels: readonly string[]): readonly Series[] => series.get(rowLabelsOf(labels).join()) ?? [];
}

function samplesOf(metric: SpawnMetric, table: Table): Iterable<Sample> {
  if (metric.kind === 'histogram') return histogramSamples(metric, table);
  if ('failure' in metric) return failureSamples(metric, table);
  return 'roles' in metric ? roleSamples(metric, table) : counterSamples(metric, table);
}

function* histogramSamples(metric: RowHistogram, { seriesBy }: Table): Generator<SlotsSample> {
  const { column } = metric;
  const scale = COST_COLUMNS[column].kind;
  for (const { labels, rows } of seriesBy(metric.labels)) {
    const histogram = rows.map((row) => row[column]).reduce(addHistograms);
    yield { labels, scale, histogram, slowest: metric.slowest && slowestOf(rows) };
  }
}

function slowestOf(rows: Series['rows']): SlowestSpawn | undefined {
  let slowest: SlowestSpawn | undefined;
  for (const row of rows)
    if (!row.evicted && row.slowest && row.slowest.stallNs > (slowest?.stallNs ?? -1)) slowest = row.slowest;
  return slowest;
}

function* counterSamples({ column, labels: names, unit }: RowCounter, { seriesBy }: Table): Generator<ValueSample> {
  for (const { labels, rows } of seriesBy(names)) yield { labels, value: inUnit(unit, sumOf(rows, column)) };
}

function* roleSamples({ roles, labels: names, unit }: RoleCounter, { seriesBy }: Table): Generator<ValueSample> {
  for (const [role, column] of Object.entries(roles))
    for (const { labels, rows } of seriesBy(names))
      yield { labels: [...labels, ['role', role]], value: inUnit(unit, sumOf(rows, column)) };
}

function* failureSamples(metric: FailureCounter, { seriesBy, failures, idLabels }: Table): Generator<ValueSample> {
  const bySpawner = new Map<string, { readonly labels: Labels; readonly counts: Map<string, number> }>();
  const countsOf = (labels: Labels) => {
    const key = keyOf(labels);
    const known = bySpawner.get(key);
    if (known) return known.counts;
    const counts = new Map<string, number>();
    bySpawner.set(key, { labels, counts });
    return counts;
  };
  for (const { labels, rows } of seriesBy(metric.labels)) {
    if (rows.every((row) => row.evicted)) continue;
    const counts = countsOf(labels);
    for (const error of metric.expectedErrors) counts.set(error, 0);
  }
  for (const failure of failures) {
    if (failure.kind !== metric.failure) continue;
    const counts = countsOf(labelsOf(failure, rowLabelsOf(metric.labels), idLabels));
    const errno = errnoName(failure.errno);
    counts.set(errno, (counts.get(errno) ?? 0) + failure.count);
  }
  for (const { labels, counts } of bySpawner.values())
    for (const [errno, value] of counts) yield { labels: [...labels, ['errno', errno]], value };
}

/** Adds up a column; for a histogram, the numbers of its values. */
function sumOf(rows: Series['rows'], column: CostColumnName): number {
  let sum = 0;
  for (const row of rows) {
    const value = row[column];
    sum += typeof value === 'number' ? value : histogramCount(value);
  }
  return sum;
}

function inUnit(unit: 'seconds' | 'bytes' | undefined, value: number): number {
  return unit === 'seconds' ? value / NS_PER_SECOND : value;
}
