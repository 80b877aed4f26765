import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TIME_BOUNDS_NS } from '../../../model/bounds.ts';
import { EVICTED } from '../../../model/rows.ts';
import { MECHANISMS } from '../../../model/spawn.ts';
import { DEFAULT_HISTORY_OPTIONS, History } from '../../../serve/history/history.ts';
import { FAILURE_FIELDS, ROW_FIELDS } from '../../../serve/history/point.ts';
import {
  AT_MS,
  createFakeEngine,
  fakeFailure,
  fakeRow,
  histogram,
  hooksWithout,
  type FakeEngine,
} from '../../../../testing/fake-engine.ts';

type Row = Record<(typeof ROW_FIELDS)[number], never>;

interface Decoded {
  seq: number;
  at_ms: number;
  span_ms: number;
  rows_folded: number;
  failures_folded: number;
  rows: unknown[][];
  failures: unknown[][];
}

const historyOf = (engine: FakeEngine, options = {}) => new History(engine, () => engine.snapshot(), options);
const pointsOf = (history: History): Decoded[] =>
  history.pointsFrom(0).map(({ json }): Decoded => JSON.parse(json.toString()));
const named = (fields: readonly string[], values: readonly unknown[] = []) =>
  Object.fromEntries(fields.map((field, i) => [field, values[i]]));
const sum = (points: readonly Decoded[], field: keyof Row) =>
  points.flatMap(({ rows }) => rows).reduce((total, row) => total + Number(row[ROW_FIELDS.indexOf(field)]), 0);

test('a point has what happened between two snapshots, and nothing else', () => {
  const engine = createFakeEngine({ rows: [fakeRow({ spawns: 5 }), fakeRow({ comm: 'idle' })] });
  const history = historyOf(engine);
  history.take();
  assert.deepEqual(pointsOf(history), []);
  engine.next = {
    ...engine.next,
    atMs: AT_MS + 1000,
    rows: [fakeRow({ spawns: 7 }), fakeRow({ comm: 'idle' }), fakeRow({ comm: 'new', syscall: 'fork' })],
    failures: [fakeFailure({ count: 3 })],
  };
  history.take();
  const [point] = pointsOf(history);
  assert.deepEqual([point?.seq, point?.at_ms, point?.span_ms], [0, AT_MS + 1000, 1000]);
  const [node, fresh] = point?.rows.map((row) => named(ROW_FIELDS, row)) ?? [];
  const slot = histogram(TIME_BOUNDS_NS, 3_000_000, 1).counts.indexOf(1);
  assert.deepEqual(node, {
    comm: 'node',
    id: null,
    mechanism: 'fork',
    spawns: 2,
    stall_ns: 6_000_000,
    copy_ns: 4_000_000,
    avoidable_stall_ns: 5_950_000,
    copied_rss_bytes: 2_097_152,
    copied_page_table_bytes: 8192,
    cow_faults_parent: 10,
    cow_faults_child: 4,
    stall_slots: [slot, 2],
    sibling_wait_ns: 4_000_000,
  });
  assert.deepEqual([fresh?.['comm'], fresh?.['spawns'], point?.rows.length], ['new', 1, 2]);
  assert.deepEqual(named(FAILURE_FIELDS, point?.failures[0]), {
    kind: 'exec',
    comm: 'node',
    id: null,
    errno: 'ENOENT',
    count: 3,
  });
});

test('what is not measured is null', () => {
  const engine = createFakeEngine({ hooks: hooksWithout('calls') });
  const history = historyOf(engine);
  history.take();
  engine.next = { ...engine.next, rows: [fakeRow()] };
  history.take();
  const row = named(ROW_FIELDS, pointsOf(history)[0]?.rows[0]);
  assert.deepEqual(
    [row['spawns'], row['stall_ns'], row['stall_slots'], row['copied_rss_bytes']],
    [1, null, null, 1 << 20],
  );
});

test('a row that leaves the table by name is not lost, and not counted twice', () => {
  const engine = createFakeEngine({ rows: [fakeRow({ comm: 'gone', spawns: 5 })] });
  const history = historyOf(engine);
  history.take();
  engine.next = { ...engine.next, rows: [fakeRow({ comm: EVICTED, spawns: 6 })] };
  history.take();
  assert.equal(sum(pointsOf(history), 'spawns'), 1);
});

test('many spawners: each point keeps to its bytes, and sums stay whole', () => {
  const engine = createFakeEngine();
  const history = historyOf(engine);
  history.take();
  const rows = Array.from({ length: 3000 }, (_, i) =>
    fakeRow({
      comm: `spawner-${i}-${'é'.repeat(3)}`,
      spawns: i,
      mechanism: MECHANISMS[i % 3] ?? 'fork',
      stall: histogram(TIME_BOUNDS_NS, TIME_BOUNDS_NS[i % 50] ?? 0, i),
    }),
  );
  const failures = rows.map(({ comm }, i) => fakeFailure({ comm, count: i, kind: i % 2 ? 'exec' : 'spawn' }));
  engine.next = { ...engine.next, rows, failures };
  history.take();
  const [point] = pointsOf(history);
  assert.ok((history.pointsFrom(0)[0]?.json.length ?? 0) <= DEFAULT_HISTORY_OPTIONS.maxPointBytes);
  assert.ok(point && point.rows_folded > 2000 && point.failures_folded > 2000);
  assert.equal(sum([point], 'spawns'), (3000 * 2999) / 2);
  assert.equal(
    sum([point], 'stall_ns'),
    rows.reduce((total, { stall }) => total + stall.sum, 0),
  );
  assert.equal(
    point.failures.reduce((total, values) => total + Number(values.at(-1)), 0),
    (3000 * 2999) / 2,
  );
});

test('15 minutes of full points take at most 8 MiB', () => {
  const { maxPoints, maxPointBytes } = DEFAULT_HISTORY_OPTIONS;
  assert.equal(maxPoints, 15 * 60);
  assert.ok(maxPoints * maxPointBytes < 8 * 2 ** 20);
});

test('the oldest points go', () => {
  const engine = createFakeEngine();
  const history = historyOf(engine, { maxPoints: 3 });
  for (let i = 0; i < 6; i++) history.take();
  assert.deepEqual(
    pointsOf(history).map(({ seq }) => seq),
    [2, 3, 4],
  );
  assert.deepEqual(
    history.pointsFrom(4).map(({ seq }) => seq),
    [4],
  );
  assert.deepEqual(history.pointsFrom(5), []);
  assert.equal(
    history.cost.bytes,
    history.pointsFrom(0).reduce((total, { json }) => total + json.length, 0),
  );
});

test('tables that cannot be read leave no hole: the next point is longer', () => {
  const engine = createFakeEngine();
  let broken = false;
  const history = new History(engine, () => (broken ? undefined : engine.snapshot()));
  history.take();
  broken = true;
  history.take();
  broken = false;
  engine.next = { ...engine.next, atMs: AT_MS + 2000, rows: [fakeRow()] };
  history.take();
  assert.deepEqual(
    pointsOf(history).map(({ span_ms }) => span_ms),
    [2000],
  );
});
