/** What prose says of metrics and limits is what the code has. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { COST_COLUMNS } from '../../model/columns.ts';
import { DEFAULT_METRIC_GROUPS } from '../../model/metric-groups.ts';
import { DEFAULT_HISTORY_OPTIONS } from '../../serve/history/history.ts';
import { DEFAULT_EVENT_HUB_OPTIONS } from '../../serve/http/event-hub.ts';
import { CLASSIC_BUCKETS } from '../../serve/metrics/classic.ts';
import { SPAWN_METRICS, type Descriptor, type SpawnMetric } from '../../serve/metrics/descriptors.ts';
import { SELF_METRICS } from '../../serve/metrics/self.ts';
import { formatBound } from '../../serve/metrics/text.ts';
import { parseSamples } from '../../../testing/parse-metrics.ts';

const top = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, top), 'utf8');

const seriesNamesOf = ({ name, kind }: Descriptor): readonly string[] =>
  kind === 'histogram' ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];

test('every metric that a document names exists', () => {
  const known = new Set([...SPAWN_METRICS, ...SELF_METRICS].flatMap(seriesNamesOf));
  const documents = ['README.md', ...globSync('docs/**/*.md', { cwd: top })];
  assert.ok(documents.includes('docs/fleet.md'));
  for (const path of documents)
    for (const [name] of read(path).matchAll(/(?<![\w:])forktax_[a-z_]*[a-z]\b(?![*_])/g))
      assert.ok(known.has(name), `${path}: ${name}`);
});

test('the examples of metrics in README.md have the labels and buckets of the default groups', () => {
  const examples = parseSamples(/^(?:forktax_\w+\{.*\} \d+\n)+/m.exec(read('README.md'))?.[0] ?? '');
  assert.ok(examples.length > 3);
  for (const { name, labels } of examples) {
    const metric = SPAWN_METRICS.find((each) => seriesNamesOf(each).includes(name));
    assert.ok(metric?.group === undefined || DEFAULT_METRIC_GROUPS.includes(metric.group), name);
    const { le, ...others } = labels;
    assert.deepEqual(Object.keys(others), metric?.labels, name);
    if (le !== undefined) assert.ok(metric && boundsOf(metric).includes(le), `${name}: le="${le}"`);
  }
});

test('the limits in docs/api.md are those in force', () => {
  const { resumeMs, maxKeptEvents } = DEFAULT_EVENT_HUB_OPTIONS;
  const { intervalMs, maxPoints } = DEFAULT_HISTORY_OPTIONS;
  const page = read('docs/api.md');
  assert.equal(/within (\d+) seconds/.exec(page)?.[1], String(resumeMs / 1000));
  assert.equal(/newest (\d+) events/.exec(page)?.[1], String(maxKeptEvents));
  assert.equal(/last (\d+) minutes second by second/.exec(page)?.[1], String((intervalMs * maxPoints) / 60_000));
});

function boundsOf(metric: SpawnMetric): readonly string[] {
  if (metric.kind !== 'histogram') return [];
  return CLASSIC_BUCKETS[COST_COLUMNS[metric.column].kind].bounds.map(formatBound);
}
