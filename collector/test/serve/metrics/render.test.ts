import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { absentColumns } from '../../../model/hooks.ts';
import { OTHER, type CostRow } from '../../../model/rows.ts';
import type { Histogram } from '../../../model/histogram.ts';
import type { Snapshot } from '../../../model/snapshot.ts';
import { SIZE_BOUNDS_BYTES, TIME_BOUNDS_NS } from '../../../model/bounds.ts';
import { renderSpawnMetrics } from '../../../serve/metrics/render.ts';
import type { IdLabel } from '../../../serve/metrics/series.ts';
import type { Format } from '../../../serve/metrics/text.ts';
import {
  AT_MS,
  createFakeEngine,
  fakeFailure,
  fakeRow,
  histogram,
  hooksWithout,
} from '../../../../testing/fake-engine.ts';
import { parseSamples, valueOf, type ParsedSample } from '../../../../testing/parse-metrics.ts';

const NONE = new Map<never, string>();

function render(given: Partial<Snapshot>, format: Format = 'text', idLabel?: IdLabel): string {
  const snapshot = { ...createFakeEngine().next, ...given };
  return [...renderSpawnMetrics(snapshot, format, NONE, idLabel)].join('');
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

  const idLabel: IdLabel = { name: 'cgroup', valueOf: (id) => (id === '9' ? '(unknown)' : '/a.service') };

  it('that turn out equal make one series of several rows', () => {
    const slowest = { pid: 7, stallNs: 3_000_000, atMs: AT_MS };
    const rows = [fakeRow({ id: '1', slowest }), fakeRow({ id: '2', spawns: 2 }), fakeRow({ id: '9' })];
    const text = render(
      { rows, failures: [fakeFailure({ id: '1' }), fakeFailure({ id: '2' })] },
      'openmetrics',
      idLabel,
    );
    const samples = parseSamples(text);
    assert.equal(valueOf(samples, 'forktax_spawns_total', { cgroup: '/a.service' }), 3);
    assert.equal(valueOf(samples, 'forktax_spawn_stall_seconds_count', { cgroup: '/a.service' }), 3);
    assert.equal(valueOf(samples, 'forktax_spawn_stall_seconds_sum', { cgroup: '/a.service' }), 0.009);
    assert.equal(valueOf(samples, 'forktax_exec_failures_total', { cgroup: '/a.service', errno: 'ENOENT' }), 2);
    assert.equal(valueOf(samples, 'forktax_spawns_total', { cgroup: '(unknown)' }), 1);
    assert.match(text, /cgroup="\/a.service",le="0.005"\} 3 # \{pid="7"\}/);
  });

  it('give what was folded no cgroup of its own', () => {
    const samples = parseSamples(render({ rows: [fakeRow({ comm: OTHER, id: '0' })] }, 'text', idLabel));
    assert.equal(valueOf(samples, 'forktax_spawns_total', { comm: OTHER, cgroup: OTHER }), 1);
  });
});

describe('histograms', () => {
  it('have the bounds that Prometheus 3 would give them, in both formats', () => {
    for (const format of ['text', 'openmetrics'] as const) {
      const samples = parseSamples(render({ rows: [fakeRow()] }, format));
      const boundsOf = (name: string) => samples.filter((one) => one.name === name).map((one) => one.labels['le']);
      const seconds = '1e-06 2e-06 5e-06 1e-05 2e-05 5e-05 0.0001 0.0002 0.0005 0.001 0.002 0.005 0.01 0.02 0.05 0.1';
      assert.deepEqual(
        boundsOf('forktax_spawn_stall_seconds_bucket').join(' '),
        `${seconds} 0.2 0.5 1.0 2.0 5.0 10.0 +Inf`,
      );
      assert.equal(
        boundsOf('forktax_spawn_copied_rss_bytes_bucket').join(' '),
        '4096.0 16384.0 65536.0 262144.0 1.048576e+06 4.194304e+06 1.6777216e+07 6.7108864e+07 2.68435456e+08 ' +
          '1.073741824e+09 4.294967296e+09 1.7179869184e+10 6.8719476736e+10 2.74877906944e+11 1.099511627776e+12 +Inf',
      );
    }
  });

  it('agree with the row, whatever is in it', () => {
    const random = generator(1);
    for (let round = 0; round < 200; round++) {
      const row = fakeRow({
        stall: randomHistogram(TIME_BOUNDS_NS.length + 1, random),
        copiedRss: randomHistogram(SIZE_BOUNDS_BYTES.length + 1, random),
      });
      const samples = parseSamples(render({ rows: [row] }, round % 2 ? 'text' : 'openmetrics'));
      assertAgrees(samples, 'forktax_spawn_stall_seconds', row.stall, 1e9);
      assertAgrees(samples, 'forktax_spawn_copied_rss_bytes', row.copiedRss, 1);
    }
  });

  it('have inclusive bounds', () => {
    const samples = parseSamples(render({ rows: [fakeRow({ stall: histogram(TIME_BOUNDS_NS, 2_000_000, 1) })] }));
    assert.equal(valueOf(samples, 'forktax_spawn_stall_seconds_bucket', { le: '0.001' }), 0);
    assert.equal(valueOf(samples, 'forktax_spawn_stall_seconds_bucket', { le: '0.002' }), 1);
  });

  it('carry the slowest spawn on its bucket, in OpenMetrics only', () => {
    const slowest = { pid: 4242, stallNs: 43_500_000, atMs: AT_MS + 500 };
    assert.deepEqual(exemplars({ slowest }, 'text'), []);
    const found = exemplars({ slowest }, 'openmetrics');
    assert.deepEqual(
      found.map((one) => [one.name, one.labels['le'], one.exemplar]),
      [['forktax_spawn_stall_seconds_bucket', '0.05', `{pid="4242"} 0.0435 ${AT_MS / 1000}.5`]],
    );
    const bucketOf = (stallNs: number) =>
      exemplars({ slowest: { ...slowest, stallNs } }, 'openmetrics')[0]?.labels['le'];
    assert.equal(bucketOf(50_000_000), '0.05');
    assert.equal(bucketOf(50_000_001), '0.1');
    assert.equal(bucketOf(11e9), '+Inf');
  });
});

function exemplars(row: Partial<CostRow>, format: Format): readonly ParsedSample[] {
  return parseSamples(render({ rows: [fakeRow(row)] }, format)).filter((one) => one.exemplar !== undefined);
}

function assertAgrees(
  samples: readonly ParsedSample[],
  name: string,
  { counts, sum }: Histogram,
  unitsPerBase: number,
): void {
  const cumulative = samples.filter((one) => one.name === `${name}_bucket`).map((one) => one.value);
  const expected = Array.from(counts);
  const total = expected.reduce((a, b) => a + b);
  assert.deepEqual(
    cumulative.map((value, i) => value - (cumulative[i - 1] ?? 0)),
    expected,
  );
  assert.equal(cumulative.at(-1), total);
  assert.equal(valueOf(samples, `${name}_count`), total);
  assert.equal(valueOf(samples, `${name}_sum`), sum / unitsPerBase);
}

function randomHistogram(slots: number, random: () => number): { counts: number[]; sum: number } {
  const counts = Array.from({ length: slots }, () => (random() < 0.5 ? 0 : Math.floor(random() ** 4 * 2 ** 40)));
  return { counts, sum: Math.floor(random() ** 8 * 2 ** 53) };
}

/** The same numbers in every run: a failure can be repeated. Park and Miller's generator. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
