import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { absentColumns } from '../../../model/hooks.ts';
import { EVICTED, OTHER, type CostRow } from '../../../model/rows.ts';
import type { Snapshot } from '../../../model/snapshot.ts';
import { DEFAULT_METRIC_GROUPS, METRIC_GROUPS, type MetricGroup } from '../../../model/metric-groups.ts';
import { SPAWN_METRICS } from '../../../serve/metrics/descriptors.ts';
import { EvictionClock } from '../../../serve/metrics/eviction-clock.ts';
import type { NamedCgroup } from '../../../model/cgroup-identity.ts';
import type { LabelChoice } from '../../../model/options.ts';
import { createIdLabels, type IdLabels } from '../../../serve/metrics/id-labels.ts';
import { spawnFamilies } from '../../../serve/metrics/spawn-families.ts';
import { renderText, type TextFormat } from '../../../serve/metrics/text.ts';
import { AT_MS, createFakeEngine, fakeFailure, fakeRow, hooksWithout } from '../../../../testing/fake-engine.ts';
import { parseSamples, valueOf } from '../../../../testing/parse-metrics.ts';

const NONE = new Map<never, string>();

interface Options {
  readonly format?: TextFormat;
  readonly idLabels?: IdLabels | undefined;
  readonly groups?: readonly MetricGroup[];
  readonly absent?: ReturnType<typeof absentColumns>;
  readonly evictions?: EvictionClock;
}

function render(given: Partial<Snapshot>, options: Options = {}): string {
  const { format = 'text', idLabels, groups = METRIC_GROUPS, absent = NONE, evictions } = options;
  const snapshot = { ...createFakeEngine().next, ...given };
  const families = spawnFamilies(snapshot, { absent, groups, idLabels, ...(evictions && { evictions }) });
  return Array.from(families, (family) => [...renderText(family, format)].join('')).join('');
}

describe('spawn metrics', () => {
  const key = { comm: 'node', mechanism: 'fork' };

  it('show seconds and bytes of each field of a row', () => {
    const samples = parseSamples(render({ rows: [fakeRow({ spawns: 4 })] }));
    assert.equal(valueOf(samples, 'forktax_spawns_total', { ...key, syscall: 'clone' }), 4);
    assert.equal(valueOf(samples, 'forktax_spawn_copy_seconds_total', key), 0.008);
    assert.equal(valueOf(samples, 'forktax_spawn_copied_page_table_bytes_total', key), 16_384);
    assert.equal(valueOf(samples, 'forktax_cow_faults_total', { comm: 'node', role: 'parent' }), 20);
    assert.equal(valueOf(samples, 'forktax_cow_faults_total', { comm: 'node', role: 'child' }), 8);
    assert.equal(valueOf(samples, 'forktax_child_page_faults_total', { comm: 'node', mechanism: 'fork' }), 28);
    assert.equal(valueOf(samples, 'forktax_avoidable_stall_seconds_total', { comm: 'node' }), 0.0119);
    assert.equal(valueOf(samples, 'forktax_spawn_stall_seconds_sum', key), 0.012);
    assert.equal(valueOf(samples, 'forktax_spawn_copied_rss_bytes_sum', key), 4 * 1_048_576);
    assert.equal(valueOf(samples, 'forktax_exec_delay_seconds_count', key), 4);
    assert.equal(valueOf(samples, 'forktax_execs_total', { comm: 'node' }), 4);
    assert.equal(valueOf(samples, 'forktax_child_lifetime_seconds_sum', key), 0.08);
  });

  it('sum over rows where they have fewer labels', () => {
    const rows = [fakeRow(), fakeRow({ syscall: 'clone3', spawns: 2 }), fakeRow({ mechanism: 'vfork', spawns: 3 })];
    const samples = parseSamples(render({ rows }));
    assert.equal(valueOf(samples, 'forktax_cow_faults_total', { comm: 'node', role: 'parent' }), 30);
    assert.equal(valueOf(samples, 'forktax_child_page_faults_total', { comm: 'node', mechanism: 'fork' }), 21);
    assert.equal(valueOf(samples, 'forktax_avoidable_stall_seconds_total'), 0.01785);
    assert.equal(valueOf(samples, 'forktax_spawns_total', { syscall: 'clone3' }), 2);
    assert.equal(valueOf(samples, 'forktax_spawn_stall_seconds_count', { mechanism: 'fork' }), 3);
  });

  it('show what evicted rows held in series that never change', () => {
    const evictions = new EvictionClock();
    const spawns = (rows: readonly CostRow[], atMs: number) =>
      Object.fromEntries(
        parseSamples(render({ rows, atMs }, { evictions }))
          .filter(({ name }) => name === 'forktax_spawns_total')
          .map(({ labels, value }) => [`${labels['comm']} ${labels['until'] ?? ''}`, value]),
      );
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
    assert.equal(valueOf(samples, 'forktax_spawn_stall_seconds_count', { comm: 'node' }), 3);
    assert.equal(valueOf(samples, 'forktax_cow_faults_total', { comm: 'node', role: 'parent' }), 15);
    const cgroups = [fakeRow({ id: '2' }), fakeRow({ id: '1', spawns: 2, evicted: true })];
    const same: IdLabels = { names: ['cgroup'], valuesOf: () => ['/same'] };
    assert.equal(valueOf(parseSamples(render({ rows: cgroups }, { idLabels: same })), 'forktax_spawns_total'), 3);
  });

  it('name errors, and show the expected ones as 0 before they happen', () => {
    const failures = [
      fakeFailure({ errno: 2, count: 3, syscall: 'clone' }),
      fakeFailure({ errno: 2, count: 4, syscall: 'vfork' }),
      fakeFailure({ kind: 'spawn', errno: 513, count: 5 }),
      fakeFailure({ kind: 'spawn', errno: 999, count: 6, comm: 'sh' }),
    ];
    const samples = parseSamples(render({ rows: [fakeRow()], failures }));
    const labels = { comm: 'node' };
    assert.equal(valueOf(samples, 'forktax_exec_failures_total', { comm: 'node', errno: 'ENOENT' }), 7);
    assert.equal(valueOf(samples, 'forktax_exec_failures_total', { comm: 'node', errno: 'EACCES' }), 0);
    assert.equal(valueOf(samples, 'forktax_spawn_failures_total', { ...labels, errno: 'ERESTARTNOINTR' }), 5);
    assert.equal(valueOf(samples, 'forktax_spawn_failures_total', { ...labels, errno: 'EAGAIN' }), 0);
    assert.equal(valueOf(samples, 'forktax_spawn_failures_total', { comm: 'sh', errno: '999' }), 6);
  });

  it('are absent, not zero, without the hook that feeds them', () => {
    const absent = absentColumns(hooksWithout('calls'));
    const text = render({ rows: [fakeRow()] }, { absent });
    assert.doesNotMatch(text, /stall|copy_seconds|spawn_failures/);
    assert.match(text, /forktax_spawns_total\{/);
  });

  it('are those of the groups that are wanted', () => {
    const names = (groups?: readonly MetricGroup[]) => [
      ...new Set(render({ rows: [fakeRow()] }, groups && { groups }).match(/(?<=# TYPE )\S+/g)),
    ];
    assert.deepEqual(names([]), ['forktax_spawns_total']);
    assert.deepEqual(names(['lifetime']), ['forktax_spawns_total', 'forktax_child_lifetime_seconds']);
    const every = METRIC_GROUPS.flatMap((group) => names([group]).slice(1));
    assert.deepEqual(
      every.toSorted(),
      SPAWN_METRICS.slice(1)
        .map(({ name }) => name)
        .toSorted(),
    );
  });

  it('are 45 series a row in the default, where labels have one value each', () => {
    const count = (groups: readonly MetricGroup[]) => parseSamples(render({ rows: [fakeRow()] }, { groups })).length;
    assert.equal(count(DEFAULT_METRIC_GROUPS), 45);
    assert.equal(count(METRIC_GROUPS), 110);
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
      { format: 'openmetrics', idLabels },
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
      const text = render({ rows: [...rows, fakeRow({ comm: OTHER })] }, { idLabels: createIdLabels(choice, cgroups) });
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
    const samples = parseSamples(render({ rows: [fakeRow({ comm: OTHER, id: '0' })] }, { idLabels }));
    assert.equal(valueOf(samples, 'forktax_spawns_total', { comm: OTHER, cgroup: OTHER }), 1);
  });
});
