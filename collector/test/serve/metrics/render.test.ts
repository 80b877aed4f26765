import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { absentColumns } from '../../../model/hooks.ts';
import { EVICTED, OTHER, type CostRow } from '../../../model/rows.ts';
import { slotOf, type Histogram } from '../../../model/histogram.ts';
import type { Snapshot } from '../../../model/snapshot.ts';
import { SIZE_BOUNDS_BYTES, TIME_BOUNDS_NS } from '../../../model/bounds.ts';
import { renderSpawnMetrics } from '../../../serve/metrics/render.ts';
import { EvictionClock } from '../../../serve/metrics/eviction-clock.ts';
import type { NamedCgroup } from '../../../model/cgroup-identity.ts';
import type { LabelChoice } from '../../../model/options.ts';
import { createIdLabels, type IdLabels } from '../../../serve/metrics/id-labels.ts';
import type { Format } from '../../../serve/metrics/text.ts';
import {
  AT_MS,
  createFakeEngine,
  fakeFailure,
  fakeRow,
  histogram,
  hooksWithout,
} from '../../../../testing/fake-engine.ts';
import { generator } from '../../../../testing/random.ts';
import { parseSamples, valueOf, type ParsedSample } from '../../../../testing/parse-metrics.ts';

const NONE = new Map<never, string>();

function render(given: Partial<Snapshot>, format: Format = 'text', idLabels?: IdLabels): string {
  const snapshot = { ...createFakeEngine().next, ...given };
  return [...renderSpawnMetrics(snapshot, format, NONE, idLabels)].join('');
}

describe('spawn metrics', () => {
  const key = { comm: 'node', mechanism: 'fork', syscall: 'clone' };

  it('show seconds and bytes of each field of a row', () => {
    const samples = parseSamples(render({ rows: [fakeRow({ spawns: 4 })] }));
    assert.equal(valueOf(samples, 'forktax_spawns_total', key), 4);
    assert.equal(valueOf(samples, 'forktax_spawn_copy_seconds_total', key), 0.008);
    assert.equal(valueOf(samples, 'forktax_spawn_copied_page_table_bytes_total', key), 16_384);
    assert.equal(valueOf(samples, 'forktax_cow_faults_total', { comm: 'node', role: 'parent' }), 20);
    assert.equal(valueOf(samples, 'forktax_cow_faults_total', { comm: 'node', role: 'child' }), 8);
    assert.equal(valueOf(samples, 'forktax_child_page_faults_total', { comm: 'node', mechanism: 'fork' }), 28);
    assert.equal(valueOf(samples, 'forktax_avoidable_stall_seconds_total', { comm: 'node' }), 0.0119);
    assert.equal(valueOf(samples, 'forktax_spawn_stall_seconds_sum', key), 0.012);
    assert.equal(valueOf(samples, 'forktax_spawn_copied_rss_bytes_sum', key), 4 * 1_048_576);
    assert.equal(valueOf(samples, 'forktax_exec_delay_seconds_count', key), 4);
    assert.equal(valueOf(samples, 'forktax_child_lifetime_seconds_sum', key), 0.08);
  });

  it('sum over rows where they have fewer labels', () => {
    const rows = [fakeRow(), fakeRow({ syscall: 'clone3', spawns: 2 }), fakeRow({ mechanism: 'vfork', spawns: 3 })];
    const samples = parseSamples(render({ rows }));
    assert.equal(valueOf(samples, 'forktax_cow_faults_total', { comm: 'node', role: 'parent' }), 30);
    assert.equal(valueOf(samples, 'forktax_child_page_faults_total', { comm: 'node', mechanism: 'fork' }), 21);
    assert.equal(valueOf(samples, 'forktax_avoidable_stall_seconds_total'), 0.01785);
  });

  it('show what evicted rows held in series that never change', () => {
    const evictions = new EvictionClock();
    const spawns = (rows: readonly CostRow[], atMs: number) => {
      const snapshot = { ...createFakeEngine().next, rows, atMs };
      const text = [...renderSpawnMetrics(snapshot, 'text', NONE, undefined, evictions)].join('');
      return Object.fromEntries(
        parseSamples(text)
          .filter(({ name }) => name === 'forktax_spawns_total')
          .map(({ labels, value }) => [`${labels['comm']} ${labels['until'] ?? ''}`, value]),
      );
    };
    const gone = (comm: string, count: number) => fakeRow({ comm, spawns: count, evicted: true });
    const sh = fakeRow({ comm: 'sh' });
    const [first, second, third] = [AT_MS, AT_MS + 1_000, AT_MS + 2_000].map((atMs) => new Date(atMs).toISOString());
    assert.deepEqual(spawns([sh, gone('a', 5)], AT_MS), { 'sh ': 1, [`(evicted) ${first}`]: 5 });
    assert.deepEqual(spawns([sh, gone('a', 5)], AT_MS + 500), { 'sh ': 1, [`(evicted) ${first}`]: 5 });
    assert.deepEqual(spawns([sh, gone('a', 5), gone('b', 2)], AT_MS + 1_000), { 'sh ': 1, [`(evicted) ${second}`]: 7 });
    assert.deepEqual(spawns([sh, fakeRow({ comm: 'a', spawns: 6 }), gone('b', 2)], AT_MS + 2_000), {
      'sh ': 1,
      'a ': 6,
      [`(evicted) ${third}`]: 2,
    });
  });

  it('keep evicted rows in series that go on for other rows', () => {
    const rows = [fakeRow({ syscall: 'clone3' }), fakeRow({ spawns: 2, evicted: true })];
    const samples = parseSamples(render({ rows }));
    assert.equal(valueOf(samples, 'forktax_spawns_total', { comm: 'node', syscall: 'clone3' }), 1);
    assert.equal(valueOf(samples, 'forktax_spawns_total', { comm: EVICTED, syscall: 'clone' }), 2);
    assert.equal(valueOf(samples, 'forktax_cow_faults_total', { comm: 'node', role: 'parent' }), 15);
    const cgroups = [fakeRow({ id: '2' }), fakeRow({ id: '1', spawns: 2, evicted: true })];
    const idLabels: IdLabels = { names: ['cgroup'], valuesOf: () => ['/same'] };
    assert.equal(valueOf(parseSamples(render({ rows: cgroups }, 'text', idLabels)), 'forktax_spawns_total'), 3);
  });

  it('name errors, and show the expected ones as 0 before they happen', () => {
    const failures = [
      fakeFailure({ errno: 2, count: 3, syscall: 'clone' }),
      fakeFailure({ errno: 2, count: 4, syscall: 'vfork' }),
      fakeFailure({ kind: 'spawn', errno: 513, count: 5 }),
      fakeFailure({ kind: 'spawn', errno: 999, count: 6, comm: 'sh' }),
    ];
    const samples = parseSamples(render({ rows: [fakeRow()], failures }));
    const labels = { comm: 'node', syscall: 'clone' };
    assert.equal(valueOf(samples, 'forktax_exec_failures_total', { comm: 'node', errno: 'ENOENT' }), 7);
    assert.equal(valueOf(samples, 'forktax_exec_failures_total', { comm: 'node', errno: 'EACCES' }), 0);
    assert.equal(valueOf(samples, 'forktax_spawn_failures_total', { ...labels, errno: 'ERESTARTNOINTR' }), 5);
    assert.equal(valueOf(samples, 'forktax_spawn_failures_total', { ...labels, errno: 'EAGAIN' }), 0);
    assert.equal(valueOf(samples, 'forktax_spawn_failures_total', { comm: 'sh', errno: '999' }), 6);
  });

  it('are absent, not zero, without the hook that feeds them', () => {
    const hooks = hooksWithout('calls');
    const snapshot = { ...createFakeEngine().next, rows: [fakeRow()] };
    const text = [...renderSpawnMetrics(snapshot, 'text', absentColumns(hooks))].join('');
    assert.doesNotMatch(text, /stall|copy_seconds|spawn_failures/);
    assert.match(text, /forktax_spawns_total\{/);
  });
});

describe('labels', () => {
  it('keep whatever a process calls itself', () => {
    const comm = 'a"b\\n\nc{}, d';
    const text = render({ rows: [fakeRow({ comm })] });
    assert.match(text, /^forktax_spawns_total\{comm="a\\"b\\\\n\\nc\{\}, d",mechanism="fork",syscall="clone"\} 1$/m);
  });

  const idLabels: IdLabels = { names: ['cgroup'], valuesOf: (id) => [id === '9' ? '(unknown)' : '/a.service'] };

  it('that turn out equal make one series of several rows', () => {
    const slowest = { pid: 7, stallNs: 3_000_000, atMs: AT_MS };
    const rows = [fakeRow({ id: '1', slowest }), fakeRow({ id: '2', spawns: 2 }), fakeRow({ id: '9' })];
    const text = render(
      { rows, failures: [fakeFailure({ id: '1' }), fakeFailure({ id: '2' })] },
      'openmetrics',
      idLabels,
    );
    const samples = parseSamples(text);
    assert.equal(valueOf(samples, 'forktax_spawns_total', { cgroup: '/a.service' }), 3);
    assert.equal(valueOf(samples, 'forktax_spawn_stall_seconds_count', { cgroup: '/a.service' }), 3);
    assert.equal(valueOf(samples, 'forktax_spawn_stall_seconds_sum', { cgroup: '/a.service' }), 0.009);
    assert.equal(valueOf(samples, 'forktax_exec_failures_total', { cgroup: '/a.service', errno: 'ENOENT' }), 2);
    assert.equal(valueOf(samples, 'forktax_spawns_total', { cgroup: '(unknown)' }), 1);
    assert.match(text, /cgroup="\/a.service",le="0.00390625"\} 3 # \{pid="7"\}/);
  });

  it('name units, containers and pods as far as they are known', () => {
    const id = 'c'.repeat(64);
    const identities: Record<string, NamedCgroup> = {
      1: { unit: 'a.service' },
      2: { container: { id }, podUid: 'uid' },
      3: { container: { id }, podUid: 'uid', names: { namespace: 'shop', pod: 'web-1', container: 'app' } },
    };
    const nameOf = (one: string) => (one === '9' ? '(unknown)' : `/${one}`);
    const cgroups = { resolve: async () => {}, nameOf, identityOf: (one: string) => identities[one] ?? {} };
    const rows = ['1', '2', '3', '9'].map((one) => fakeRow({ id: one }));
    const labelsBy = (choice: LabelChoice) => {
      const text = render({ rows: [...rows, fakeRow({ comm: OTHER })] }, 'text', createIdLabels(choice, cgroups));
      const spawns = parseSamples(text).filter(({ name }) => name === 'forktax_spawns_total');
      return spawns.map(({ labels, value }) => {
        const { comm: _comm, mechanism: _mechanism, syscall: _syscall, ...others } = labels;
        return [...Object.values(others), value].join(' ').trim();
      });
    };
    assert.deepEqual(labelsBy('unit'), ['(other) 1', '2', '(unknown) 1', 'a.service 1']);
    const short = id.slice(0, 12);
    assert.deepEqual(labelsBy('container'), [
      '(other)   1',
      '1',
      '(unknown)   1',
      'app web-1 shop 1',
      `${short} uid  1`,
    ]);
    assert.deepEqual(labelsBy('pod'), ['(other)  1', '1', '(unknown)  1', 'uid  1', 'web-1 shop 1']);
    assert.deepEqual(labelsBy('cgroup'), ['(other) 1', '(unknown) 1', '/1 1', '/2 1', '/3 1']);
  });

  it('give what was folded no cgroup of its own', () => {
    const samples = parseSamples(render({ rows: [fakeRow({ comm: OTHER, id: '0' })] }, 'text', idLabels));
    assert.equal(valueOf(samples, 'forktax_spawns_total', { comm: OTHER, cgroup: OTHER }), 1);
  });
});

describe('histograms', () => {
  it('have the bounds that Prometheus 3 would give them, in both formats', () => {
    for (const format of ['text', 'openmetrics'] as const) {
      const samples = parseSamples(render({ rows: [fakeRow()] }, format));
      const boundsOf = (name: string) => samples.filter((one) => one.name === name).map((one) => one.labels['le']);
      assert.equal(
        boundsOf('forktax_spawn_stall_seconds_bucket').join(' '),
        '3.0517578125e-05 6.103515625e-05 0.0001220703125 0.000244140625 0.00048828125 0.0009765625 0.001953125 ' +
          '0.00390625 0.0078125 0.015625 0.03125 0.0625 0.125 0.25 0.5 1.0 2.0 4.0 8.0 +Inf',
      );
      assert.equal(
        boundsOf('forktax_spawn_copied_rss_bytes_bucket').join(' '),
        '262144.0 2.097152e+06 1.6777216e+07 1.34217728e+08 1.073741824e+09 8.589934592e+09 6.8719476736e+10 ' +
          '5.49755813888e+11 +Inf',
      );
      assert.match(
        boundsOf('forktax_child_lifetime_seconds_bucket').join(' '),
        /^0.0009765625 0.00390625 .* 1.048576e\+06 \+Inf$/,
      );
    }
  });

  it('agree with the row, whatever is in it', () => {
    const random = generator(1);
    for (let round = 0; round < 200; round++) {
      const stall = randomHistogram(TIME_BOUNDS_NS, 1e9, random);
      const copiedRss = randomHistogram(SIZE_BOUNDS_BYTES, 1, random);
      const samples = parseSamples(
        render({ rows: [fakeRow({ stall, copiedRss })] }, round % 2 ? 'text' : 'openmetrics'),
      );
      assertAgrees(samples, 'forktax_spawn_stall_seconds', stall, 1e9);
      assertAgrees(samples, 'forktax_spawn_copied_rss_bytes', copiedRss, 1);
    }
  });

  it('have inclusive bounds', () => {
    const samples = parseSamples(render({ rows: [fakeRow({ stall: histogram(TIME_BOUNDS_NS, 1_953_125, 1) })] }));
    assert.equal(valueOf(samples, 'forktax_spawn_stall_seconds_bucket', { le: '0.0009765625' }), 0);
    assert.equal(valueOf(samples, 'forktax_spawn_stall_seconds_bucket', { le: '0.001953125' }), 1);
  });

  it('carry the slowest spawn on its bucket, in OpenMetrics only', () => {
    const slowest = { pid: 4242, stallNs: 43_500_000, atMs: AT_MS + 500 };
    assert.deepEqual(exemplars({ slowest }, 'text'), []);
    const found = exemplars({ slowest }, 'openmetrics');
    assert.deepEqual(
      found.map((one) => [one.name, one.labels['le'], one.exemplar]),
      [['forktax_spawn_stall_seconds_bucket', '0.0625', `{pid="4242"} 0.0435 ${AT_MS / 1000}.5`]],
    );
    const bucketOf = (stallNs: number) =>
      exemplars({ slowest: { ...slowest, stallNs } }, 'openmetrics')[0]?.labels['le'];
    assert.equal(bucketOf(62_500_000), '0.0625');
    assert.equal(bucketOf(62_500_001), '0.125');
    assert.equal(bucketOf(11e9), '+Inf');
  });
});

function exemplars(row: Partial<CostRow>, format: Format): readonly ParsedSample[] {
  return parseSamples(render({ rows: [fakeRow(row)] }, format)).filter((one) => one.exemplar !== undefined);
}

/** Checks that each bucket counts the values up to its bound, in the unit of the metric. */
function assertAgrees(
  samples: readonly ParsedSample[],
  name: string,
  { values, sum }: RandomHistogram,
  unitsPerBase: number,
): void {
  const buckets = samples.filter((one) => one.name === `${name}_bucket`);
  assert.ok(buckets.length > 8);
  for (const { labels, value } of buckets) {
    const bound = labels['le'] === '+Inf' ? Infinity : Number(labels['le']) * unitsPerBase;
    assert.equal(value, values.filter((one) => one <= bound).length, `${name} ${labels['le']}`);
  }
  assert.equal(valueOf(samples, `${name}_count`), values.length);
  assert.equal(valueOf(samples, `${name}_sum`), sum / unitsPerBase);
}

interface RandomHistogram extends Histogram {
  readonly values: readonly number[];
}

/** Makes a histogram of values of every size, many of which are bounds. */
function randomHistogram(bounds: readonly number[], unitsPerBase: number, random: () => number): RandomHistogram {
  const values = Array.from({ length: Math.floor(random() ** 4 * 500) }, () => {
    const power = random() * 60 - (unitsPerBase > 1 ? 30 : 0);
    const value = 2 ** (random() < 0.3 ? Math.round(power) : power) * unitsPerBase;
    return Math.min(Math.floor(value), 2 ** 43);
  });
  const counts = Array.from({ length: bounds.length + 1 }, () => 0);
  for (const value of values) {
    const slot = slotOf(bounds, value);
    counts[slot] = (counts[slot] ?? 0) + 1;
  }
  return { counts, sum: values.reduce((sum, value) => sum + value, 0), values };
}
