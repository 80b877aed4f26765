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

/** Each set of labels that metrics have of rows, joined by commas. */
const LABEL_SETS: ReadonlySet<string> = new Set(SPAWN_METRICS.map(({ labels }) => rowLabelsOf(labels).join()));

/** Each set is made when the first metric that has it is shown: between two metrics the event loop runs. */
function seriesByLabels(
  { rows, atMs }: Pick<Snapshot, 'rows' | 'atMs'>,
  idLabels: IdLabels | undefined,
  evictions: EvictionClock,
): Table['seriesBy'] {
  const ordered = inOrder(rows);
  const setOf = remembered((names: string) => seriesOf(ordered, names.split(','), idLabels));
  const until = remembered(() =>
    evictions.until(
      [...LABEL_SETS].flatMap((names) => setOf(names).evicted),
      atMs,
    ),
  );
  const seriesBy = remembered((names: string) => {
    const { live, evicted } = setOf(names);
    return [...live, ...evicted.map(({ labels, rows: some }) => ({ labels: [...labels, until('')], rows: some }))];
  });
  return (labels) => seriesBy(rowLabelsOf(labels).join());
}

/** Gives a function that is asked once for each key. */
function remembered<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, T>();
  return (key) => {
    const value = made.get(key) ?? make(key);
    made.set(key, value);
    return value;
  };
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

function* counterSamples(
  { column, value, labels: names, unit }: RowCounter,
  { seriesBy }: Table,
): Generator<ValueSample> {
  for (const { labels, rows } of seriesBy(names)) yield { labels, value: inUnit(unit, sumOf(rows, column, value)) };
}

function* roleSamples({ roles, labels: names, unit }: RoleCounter, { seriesBy }: Table): Generator<ValueSample> {
  for (const [role, column] of Object.entries(roles))
    for (const { labels, rows } of seriesBy(names))
      yield { labels: [...labels, ['role', role]], value: inUnit(unit, sumOf(rows, column)) };
}

function* failureSamples(metric: FailureCounter, { seriesBy, failures, idLabels }: Table): Generator<ValueSample> {
  const failing = countFailures(metric, failures, idLabels);
  for (const { labels, rows } of seriesBy(metric.labels)) {
    if (rows.every((row) => row.evicted)) continue;
    const key = keyOf(labels);
    const counts = failing.get(key)?.counts;
    failing.delete(key);
    for (const errno of metric.expectedErrors) yield failureSample(labels, errno, counts?.get(errno) ?? 0);
    for (const [errno, value] of counts ?? [])
      if (!metric.expectedErrors.includes(errno)) yield failureSample(labels, errno, value);
  }
  for (const { labels, counts } of failing.values())
    for (const [errno, value] of counts) yield failureSample(labels, errno, value);
}

interface Failing {
  readonly labels: Labels;
  /** By errno. */
  readonly counts: Map<string, number>;
}

function countFailures(
  metric: FailureCounter,
  failures: Snapshot['failures'],
  idLabels: IdLabels | undefined,
): Map<string, Failing> {
  const failing = new Map<string, Failing>();
  for (const failure of failures) {
    if (failure.kind !== metric.failure) continue;
    const labels = labelsOf(failure, rowLabelsOf(metric.labels), idLabels);
    const key = keyOf(labels);
    const { counts } = failing.get(key) ?? { counts: new Map<string, number>() };
    failing.set(key, { labels, counts });
    const errno = errnoName(failure.errno);
    counts.set(errno, (counts.get(errno) ?? 0) + failure.count);
  }
  return failing;
}

const failureSample = (labels: Labels, errno: string, value: number): ValueSample => ({
  labels: [...labels, ['errno', errno]],
  value,
});

/** Adds up a column; for a histogram, the numbers or the sums of its values. */
function sumOf(rows: Series['rows'], column: CostColumnName, of: RowCounter['value'] = 'count'): number {
  let sum = 0;
  for (const row of rows) {
    const value = row[column];
    if (typeof value === 'number') sum += value;
    else sum += of === 'sum' ? value.sum : histogramCount(value);
  }
  return sum;
}

function inUnit(unit: 'seconds' | 'bytes' | undefined, value: number): number {
  return unit === 'seconds' ? value / NS_PER_SECOND : value;
}
