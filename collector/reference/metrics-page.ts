import { COST_COLUMNS } from '../model/columns.ts';
import { EVICTED, OTHER } from '../model/rows.ts';
import { GENERIC_NAMES } from '../model/naming.ts';
import { markdownTable } from './markdown.ts';
import { feedingGroups, SPAWN_METRICS, type Descriptor, type SpawnMetric } from '../serve/metrics/descriptors.ts';
import { HISTOGRAM_BOUNDS, SCALES } from '../model/bounds.ts';
import { DEFAULT_METRIC_GROUPS, METRIC_GROUPS, type MetricGroup } from '../model/metric-groups.ts';
import { CLASSIC_BUCKETS } from '../serve/metrics/classic.ts';
import { SELF_METRICS } from '../serve/metrics/self.ts';

/** Writes docs/metrics.md. */
export function metricsPage(): string {
  return `<!-- Generated from collector/serve/metrics/descriptors.ts and self.ts by scripts/generate-docs.ts: do not edit. -->

# Metrics

\`forktax serve\` has these metrics at \`/metrics\`. \`docs/architecture.md\` defines the words.

## Spawn costs

These are totals since forktax started, or since it was started first with \`--pin\`. If one of the hooks that feed a metric is not attached, the metric is absent, not
zero. \`forktax_hook_attached\` says which hook is missing, and \`forktax doctor\` says why.

${markdownTable(['metric', 'kind', 'labels', 'what', 'group', 'fed by'], SPAWN_METRICS.map(spawnLine))}

- \`comm\` is the name of the spawner, at most 15 bytes: that of its thread-group leader, or of its executable if a runtime
  gives every program the same name (${GENERIC_NAMES.map((name) => `\`${name}\``).join(', ')} and numbers).
  \`--name-by\` changes that.
- \`comm="${OTHER}"\` has the costs that found no row in a full table.
- \`comm="${EVICTED}"\` has what rows held that were unused for ten minutes and left a nearly full table. Its series have one
  label more, \`until\`, and never change: when the value would, the series ends and one with a later \`until\` begins. So
  an eviction is no step for \`increase()\` and \`rate()\`, whoever scrapes and how often, and a sum over all series is whole.
  A row that comes back continues where it was. Twice as many rows as \`--max-spawners\` are remembered for that; a row that
  was forgotten since begins at 0. After a restart all counters begin at 0, unless \`--pin\` keeps them.
- \`mechanism\` is \`fork\`, \`vfork\` (also \`posix_spawn\`, \`popen\`, \`system\`) or \`afork\`. \`syscall\` is \`fork\`, \`vfork\`,
  \`clone\`, \`clone3\`, or \`unknown\` for a call that began before forktax started.
- \`errno\` is a name, such as \`EAGAIN\`. \`ERESTARTNOINTR\` is a call that a signal interrupted and that the kernel starts
  again. For every spawner, ${expectedErrors()} are 0 before they happen, so that
  \`increase()\` sees the first one.
- \`--label=cgroup\` adds \`cgroup\`, the path of the spawner's cgroup below its mount. It is \`(unknown)\` if the cgroup was gone
  before it could be looked up. \`--label=pid\` adds \`pid\`. Each value of such a label has its own rows.
- \`--label=unit\` adds \`unit\`, the service or scope of systemd. \`--label=container\` adds \`container\` (its name, or the first
  12 digits of its id), \`pod\` (its name, or its uid) and \`namespace\`. \`--label=pod\` adds \`pod\` and \`namespace\`. All follow from
  the path of the cgroup; names of pods and containers, and namespaces, need \`--kubelet.url\`. A label is empty for a spawner
  that is in no such thing. All cgroups with equal labels are one series. These labels need the unified hierarchy (cgroup
  v2): a container that is only in hierarchies of cgroup v1 counts as the cgroup of its runtime.

### Histograms

A histogram is native or classic, as the Prometheus that scrapes it wants. Both are made of the same counts, so they never
disagree.

- Native: one series. ${schemas()} The sum is exact. A value above the highest bound is counted as if it were just above.
- Classic: a series for each bucket, so there are fewer of them. Bounds are inclusive, and powers of two of a second or a byte:
  each from 31 µs to 8 s for stalls and delays, every second one from 1 ms to 12 days for lifetimes, every third one from
  256 KiB to 64 GiB for sizes. The text of \`le\` is the one that Prometheus 3 makes of it (\`le="3.0517578125e-05"\`,
  \`le="1.0"\`, \`le="1.073741824e+09"\`), so series keep their names from version to version.

### Number of series

\`--metrics\` chooses groups: names separated by commas, or \`all\`. \`forktax_spawns_total\` is always there. The alerts need
no other than the default groups; nor do the dashboards, but for one row of the spawner's.

${markdownTable(['group', 'default', 'native series a row', 'classic series a row'], [...METRIC_GROUPS.map(groupLine), ...sumLines()])}

A row is a spawner that uses one mechanism by one system call. A server usually has 20 to 50 rows. The table has 1,024 rows
at most (\`--max-spawners\`). Metrics about forktax itself are some 50 series, and those of its process some 40.

### Queries

\`\`\`promql
# Which programs stand still longest, in seconds per second?
topk(10, sum by (comm) (rate(forktax_spawn_stall_seconds_sum[5m])))

# The 99th percentile of one stall.
histogram_quantile(0.99, sum by (le, comm) (rate(forktax_spawn_stall_seconds_bucket[5m])))

# Resident memory copied for each spawn.
sum by (comm) (rate(forktax_spawn_copied_rss_bytes_sum[5m])) / sum by (comm) (rate(forktax_spawn_copied_rss_bytes_count[5m]))

# The share of the stall that afork would save.
sum by (comm) (rate(forktax_avoidable_stall_seconds_total[5m])) / sum by (comm) (rate(forktax_spawn_stall_seconds_sum[5m]))
\`\`\`

## forktax itself

${markdownTable(['metric', 'kind', 'labels', 'what'], SELF_METRICS.map(line))}

Metrics of the exporter's process, \`process_*\` and \`nodejs_*\`, follow these, unless \`--web.disable-exporter-metrics\` is set.

## Formats

The format is Prometheus' text format 0.0.4 unless \`Accept\` asks for another. It is compressed if \`Accept-Encoding\` asks
for that.

- OpenMetrics 1.0.0.
- Protobuf, which native histograms need:
  \`application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited\`. Prometheus asks for it when it
  is configured for native histograms. It has classic buckets too, for those who do not take native ones.

In OpenMetrics and protobuf, \`forktax_spawn_stall_seconds\` has the slowest spawn of the last minute as its exemplar, with the
pid of the spawner. Prometheus keeps exemplars with \`--enable-feature=exemplar-storage\`.
`;
}

function line({ name, kind, labels, help }: Descriptor): string[] {
  return [`\`${name}\``, kind, labels.map((label) => `\`${label}\``).join(', '), help];
}

function spawnLine(metric: SpawnMetric): string[] {
  return [...line(metric), metric.group ?? '', feedingGroups(metric).join(', ')];
}

function expectedErrors(): string {
  const names = SPAWN_METRICS.flatMap((metric) => ('failure' in metric ? metric.expectedErrors : []));
  return names.map((name) => `\`${name}\``).join(', ');
}

function groupLine(group: MetricGroup): string[] {
  const isDefault = DEFAULT_METRIC_GROUPS.includes(group) ? 'yes' : '';
  const more = (native: boolean) => String(seriesPerRow([group], native) - seriesPerRow([], native));
  return [`\`${group}\``, isDefault, more(true), more(false)];
}

function sumLines(): string[][] {
  return [sumLine('default', DEFAULT_METRIC_GROUPS), sumLine('all', METRIC_GROUPS)];
}

function sumLine(name: string, groups: readonly MetricGroup[]): string[] {
  const [native, classic] = [true, false].map((isNative) => String(seriesPerRow(groups, isNative)));
  return [`${name}, with \`forktax_spawns_total\``, '', native ?? '', classic ?? ''];
}

/** Counts the series of a row. A classic histogram has its buckets, one above all bounds, sum and count; a native one is one series. */
function seriesPerRow(groups: readonly MetricGroup[], native: boolean): number {
  const counts = SPAWN_METRICS.map((metric) => {
    if (metric.group !== undefined && !groups.includes(metric.group)) return 0;
    if ('failure' in metric) return metric.expectedErrors.length;
    if (metric.kind === 'histogram')
      return native ? 1 : CLASSIC_BUCKETS[COST_COLUMNS[metric.column].kind].bounds.length + 3;
    return 'roles' in metric ? Object.keys(metric.roles).length : 1;
  });
  return counts.reduce((sum, count) => sum + count);
}

function schemas(): string {
  const { timeHistogram, lifetimeHistogram, sizeHistogram } = SCALES;
  return (
    `Stalls and delays have schema ${timeHistogram.schema}, ${HISTOGRAM_BOUNDS.timeHistogram.length} bounds from 3.8 µs to ` +
    `256 s, so a quantile is right within 9 %. Lifetimes have schema ${lifetimeHistogram.schema}, from 61 µs to 49 days, and ` +
    `sizes schema ${sizeHistogram.schema}, from 4 KiB to 1 TiB: within 19 %.`
  );
}
