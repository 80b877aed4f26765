import { COST_COLUMNS } from '../model/columns.ts';
import { EVICTED, OTHER } from '../model/rows.ts';
import { GENERIC_NAMES } from '../model/naming.ts';
import { markdownTable } from './markdown.ts';
import { feedingGroups, SPAWN_METRICS, type Descriptor, type SpawnMetric } from '../serve/metrics/descriptors.ts';
import { CLASSIC_BUCKETS } from '../serve/metrics/classic.ts';
import { SELF_METRICS } from '../serve/metrics/self.ts';

/** Writes docs/metrics.md. */
export function metricsPage(): string {
  return `<!-- Generated from collector/serve/metrics/descriptors.ts and self.ts by scripts/generate-docs.ts: do not edit. -->

# Metrics

\`forktax serve\` has these metrics at \`/metrics\`. \`docs/architecture.md\` defines the words.

## Spawn costs

These are totals since forktax started. If one of the hooks that feed a metric is not attached, the metric is absent, not
zero. \`forktax_hook_attached\` says which hook is missing, and \`forktax doctor\` says why.

${markdownTable(['metric', 'kind', 'labels', 'what', 'fed by'], SPAWN_METRICS.map(spawnLine))}

- \`comm\` is the name of the spawner, at most 15 bytes: that of its thread-group leader, or of its executable if a runtime
  gives every program the same name (${GENERIC_NAMES.map((name) => `\`${name}\``).join(', ')} and numbers).
  \`--name-by\` changes that.
- \`comm="${OTHER}"\` has the costs that found no row in a full table.
- \`comm="${EVICTED}"\` has what rows held that were unused for ten minutes and left a nearly full table. Its series have one
  label more, \`until\`, and never change: when the value would, the series ends and one with a later \`until\` begins. So
  an eviction is no step for \`increase()\` and \`rate()\`, whoever scrapes and how often, and a sum over all series is whole.
  A row that comes back continues where it was. Twice as many rows as \`--max-spawners\` are remembered for that; a row that
  was forgotten since begins at 0. After a restart all counters begin at 0.
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

Bounds of histograms are inclusive, and powers of two of a second or a byte: each from 31 µs to 8 s for stalls and delays,
every second one from 1 ms to 12 days for lifetimes, every third one from 256 KiB to 512 GiB for sizes. The text of \`le\` is
the one that Prometheus 3 makes of it (\`le="3.0517578125e-05"\`, \`le="1.0"\`, \`le="2.62144e+05"\`), so series keep their names from
version to version.

### Number of series

A spawner that uses one mechanism is one row of the table and ${seriesPerRow()} series. A server usually has 20 to 50 rows. The
table has 1,024 rows at most (\`--max-spawners\`). With \`convert_classic_histograms_to_nhcb: true\` in its scrape
configuration, Prometheus 3 makes one series of each histogram, and ${seriesPerRow(true)} of a row.

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

The format is Prometheus' text format 0.0.4, or OpenMetrics 1.0.0 if \`Accept\` asks for it. It is compressed if
\`Accept-Encoding\` asks for that. In OpenMetrics, a bucket of \`forktax_spawn_stall_seconds\` has the slowest spawn of the last
minute as its exemplar, with the pid of the spawner. Prometheus keeps exemplars with \`--enable-feature=exemplar-storage\`.
`;
}

function line({ name, kind, labels, help }: Descriptor): string[] {
  return [`\`${name}\``, kind, labels.map((label) => `\`${label}\``).join(', '), help];
}

function spawnLine(metric: SpawnMetric): string[] {
  return [...line(metric), feedingGroups(metric).join(', ')];
}

function expectedErrors(): string {
  const names = SPAWN_METRICS.flatMap((metric) => ('failure' in metric ? metric.expectedErrors : []));
  return names.map((name) => `\`${name}\``).join(', ');
}

/** Counts the series of a row. A classic histogram has its buckets, one above all bounds, sum and count; a native one is one series. */
function seriesPerRow(native = false): number {
  const counts = SPAWN_METRICS.map((metric) => {
    if (metric.kind === 'histogram')
      return native ? 1 : CLASSIC_BUCKETS[COST_COLUMNS[metric.column].kind].bounds.length + 3;
    if ('failure' in metric) return metric.expectedErrors.length;
    return 'roles' in metric ? Object.keys(metric.roles).length : 1;
  });
  return counts.reduce((sum, count) => sum + count);
}
