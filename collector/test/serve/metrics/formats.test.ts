/** Text, OpenMetrics and protobuf say the same, and native buckets the same as classic ones. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SCALES, type HistogramKind } from '../../../model/bounds.ts';
import type { CostRow } from '../../../model/rows.ts';
import { METRIC_GROUPS } from '../../../model/metric-groups.ts';
import type { Family } from '../../../serve/metrics/family.ts';
import { render, type Format } from '../../../serve/metrics/formats.ts';
import { createProcessMetrics, processFamilies } from '../../../serve/metrics/process.ts';
import { spawnFamilies } from '../../../serve/metrics/spawn-families.ts';
import { AT_MS, fakeRow } from '../../../../testing/fake-engine.ts';
import { histogramOf, randomValues } from '../../../../testing/histogram-values.ts';
import { parseSamples, valueOf, type ParsedSample } from '../../../../testing/parse-metrics.ts';
import { parseFamilies, type ParsedFamily, type ParsedHistogram } from '../../../../testing/parse-protobuf.ts';
import { generator } from '../../../../testing/random.ts';

const NONE = new Map<never, string>();
const HISTOGRAMS = [
  ['stall', 'forktax_spawn_stall_seconds', 'timeHistogram'],
  ['execDelay', 'forktax_exec_delay_seconds', 'timeHistogram'],
  ['lifetime', 'forktax_child_lifetime_seconds', 'lifetimeHistogram'],
  ['copiedRss', 'forktax_spawn_copied_rss_bytes', 'sizeHistogram'],
] as const satisfies readonly (readonly [keyof CostRow, string, HistogramKind])[];

const familiesOf = (...rows: readonly CostRow[]) =>
  spawnFamilies({ rows, failures: [], atMs: AT_MS }, { absent: NONE, groups: METRIC_GROUPS });

async function bytesOf(families: Iterable<Family> | AsyncIterable<Family>, format: Format): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of render(families, format)) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

const samplesOf = async (row: CostRow, format: 'text' | 'openmetrics') =>
  parseSamples((await bytesOf(familiesOf(row), format)).toString());
const protobufOf = async (...rows: readonly CostRow[]) => parseFamilies(await bytesOf(familiesOf(...rows), 'protobuf'));

function histogramIn(families: readonly ParsedFamily[], name: string): ParsedHistogram {
  const histogram = families.find((family) => family.name === name)?.metrics[0]?.histogram;
  assert.ok(histogram, name);
  return histogram;
}

/** Those that a native histogram has not above a bound, which must be one of its own. */
function countUpTo({ schema, zeroCount, native }: ParsedHistogram, bound: number): number {
  const index = Math.round(Math.log2(bound) * 2 ** schema);
  return zeroCount + [...native].reduce((sum, [at, count]) => sum + (at <= index ? count : 0), 0);
}

describe('whatever values were counted', () => {
  it('count, sum and cumulative counts are equal in each format', async () => {
    const random = generator(1);
    for (let round = 0; round < 60; round++) {
      const values = HISTOGRAMS.map(([, , kind]) => randomValues(kind, random));
      const columns = HISTOGRAMS.map(([column, , kind], i) => [column, histogramOf(values[i] ?? [], kind)] as const);
      const row = fakeRow(Object.fromEntries(columns));
      const families = await protobufOf(row);
      const texts = [await samplesOf(row, 'text'), await samplesOf(row, 'openmetrics')];
      for (const [i, [column, name, kind]] of HISTOGRAMS.entries()) {
        const protobuf = histogramIn(families, name);
        const sum = row[column].sum / SCALES[kind].unitsPerBase;
        assert.deepEqual([protobuf.count, protobuf.sum], [values[i]?.length, sum], name);
        for (const samples of texts) assertEqual(samples, name, protobuf);
        assertCounts(protobuf, values[i] ?? [], SCALES[kind].unitsPerBase, name);
      }
    }
  });

  /** Each bound of the classic histogram is one of the native one, and both have the values up to it. */
  function assertCounts(histogram: ParsedHistogram, values: readonly number[], unitsPerBase: number, name: string) {
    assert.ok(histogram.buckets.length >= 8);
    for (const { bound, count } of histogram.buckets) {
      assert.equal(count, values.filter((value) => value <= bound * unitsPerBase).length, `${name} ${bound}`);
      assert.equal(countUpTo(histogram, bound), count, `native ${name} ${bound}`);
    }
    const zeros = values.filter((value) => value <= histogram.zeroThreshold * unitsPerBase).length;
    assert.equal(histogram.zeroCount, zeros, name);
  }

  function assertEqual(samples: readonly ParsedSample[], name: string, { count, sum, buckets }: ParsedHistogram) {
    assert.equal(valueOf(samples, `${name}_count`), count);
    assert.equal(valueOf(samples, `${name}_sum`), sum);
    const bounds = samples.filter((one) => one.name === `${name}_bucket`);
    assert.deepEqual(
      bounds.map(({ labels, value }) => [labels['le'] === '+Inf' ? Infinity : Number(labels['le']), value]),
      buckets.map((bucket) => [bucket.bound, bucket.count]),
    );
  }
});

describe('protobuf', () => {
  it('has the families, labels and values of the text', async () => {
    const row = fakeRow({ comm: 'né "b\\\n', spawns: 2 ** 40, childFaults: 0 });
    const samples = await samplesOf(row, 'text');
    const families = await protobufOf(row);
    assert.deepEqual(families.map(({ name, type }) => [name, type]).slice(0, 3), [
      ['forktax_spawns_total', 0],
      ['forktax_spawn_failures_total', 0],
      ['forktax_spawn_stall_seconds', 4],
    ]);
    let compared = 0;
    for (const { name, metrics } of families) {
      for (const { labels, value } of metrics) {
        if (value === undefined) continue;
        assert.equal(valueOf(samples, name, labels), value);
        compared++;
      }
    }
    assert.equal(compared + 5 * 2, samples.filter(({ name }) => !name.endsWith('_bucket')).length);
    assert.equal(compared, 15);
  });

  it('has a schema and a zero threshold even where nothing was counted, so that it is native', async () => {
    const empty = histogramOf([], 'timeHistogram');
    const histogram = histogramIn(await protobufOf(fakeRow({ stall: empty })), 'forktax_spawn_stall_seconds');
    assert.deepEqual([histogram.count, histogram.schema, histogram.zeroThreshold], [0, 2, 2 ** -18]);
    assert.equal(histogram.native.size, 0);
  });

  it('gives the slowest spawn as exemplar, with its time', async () => {
    const slowest = { pid: 4242, stallNs: 43_500_000, atMs: AT_MS + 500 };
    const { buckets } = histogramIn(await protobufOf(fakeRow({ slowest })), 'forktax_spawn_stall_seconds');
    const exemplar = { labels: { pid: '4242' }, value: 0.0435, atMs: AT_MS + 500 };
    assert.deepEqual(
      buckets.filter((bucket) => bucket.exemplar).map((bucket) => [bucket.bound, bucket.exemplar]),
      [[0.0625, exemplar]],
    );
  });

  it('holds more rows than fit into one piece', async () => {
    const rows = Array.from({ length: 2_500 }, (_, i) => fakeRow({ comm: `c${i}`, spawns: i }));
    const [spawns] = await protobufOf(...rows);
    assert.equal(spawns?.metrics.length, 2_500);
    assert.equal(spawns?.metrics.find(({ labels }) => labels['comm'] === 'c2499')?.value, 2_499);
  });

  it('has the metrics of the process, with their histograms', async () => {
    const registry = createProcessMetrics();
    // The histogram of garbage collections is there once one has been.
    const families = parseFamilies(await bytesOf(processFamilies(registry), 'protobuf'));
    const samples = parseSamples((await bytesOf(processFamilies(registry), 'text')).toString());
    assert.deepEqual(
      families.map(({ name }) => name).filter((name) => name === 'process_cpu_seconds_total'),
      ['process_cpu_seconds_total'],
    );
    assert.ok(families.length > 15);
    const unchanging = ['process_start_time_seconds', 'nodejs_version_info', 'process_max_fds'];
    for (const name of unchanging)
      assert.equal(families.find((family) => family.name === name)?.metrics[0]?.value, valueOf(samples, name), name);
  });
});

describe('text', () => {
  it('has the bounds that Prometheus 3 would give them', async () => {
    for (const format of ['text', 'openmetrics'] as const) {
      const samples = await samplesOf(fakeRow(), format);
      const boundsOf = (name: string) => samples.filter((one) => one.name === name).map((one) => one.labels['le']);
      assert.equal(
        boundsOf('forktax_spawn_stall_seconds_bucket').join(' '),
        '3.0517578125e-05 6.103515625e-05 0.0001220703125 0.000244140625 0.00048828125 0.0009765625 0.001953125 ' +
          '0.00390625 0.0078125 0.015625 0.03125 0.0625 0.125 0.25 0.5 1.0 2.0 4.0 8.0 +Inf',
      );
      assert.equal(
        boundsOf('forktax_spawn_copied_rss_bytes_bucket').join(' '),
        '262144.0 2.097152e+06 1.6777216e+07 1.34217728e+08 1.073741824e+09 8.589934592e+09 6.8719476736e+10 +Inf',
      );
      assert.match(
        boundsOf('forktax_child_lifetime_seconds_bucket').join(' '),
        /^0.0009765625 0.00390625 .* 1.048576e\+06 \+Inf$/,
      );
    }
  });

  it('has the slowest spawn on its bucket, in OpenMetrics only', async () => {
    const slowest = { pid: 4242, stallNs: 43_500_000, atMs: AT_MS + 500 };
    assert.deepEqual(await exemplarsIn({ slowest }, 'text'), []);
    const found = await exemplarsIn({ slowest }, 'openmetrics');
    assert.deepEqual(
      found.map((one) => [one.name, one.labels['le'], one.exemplar]),
      [['forktax_spawn_stall_seconds_bucket', '0.0625', `{pid="4242"} 0.0435 ${AT_MS / 1000}.5`]],
    );
    const bucketOf = async (stallNs: number) =>
      (await exemplarsIn({ slowest: { ...slowest, stallNs } }, 'openmetrics'))[0]?.labels['le'];
    assert.equal(await bucketOf(62_500_000), '0.0625');
    assert.equal(await bucketOf(62_500_001), '0.125');
    assert.equal(await bucketOf(11e9), '+Inf');
  });

  const exemplarsIn = async (row: Partial<CostRow>, format: 'text' | 'openmetrics') =>
    (await samplesOf(fakeRow(row), format)).filter((one) => one.exemplar !== undefined);
});
