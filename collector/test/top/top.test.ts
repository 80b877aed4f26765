/** The figures, the keys and the lines of `forktax top`, from readings that are known. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeFailure, fakeRow } from '../../../testing/fake-engine.ts';
import { sparkline, TOP_COLUMNS } from '../../top/columns.ts';
import { SpawnerHistory } from '../../top/history.ts';
import { keysOf } from '../../top/keys.ts';
import { firstShown, rowsOf, screenLines, tableText, type TopData } from '../../top/render.ts';
import { FIRST_VIEW, pressed, type ViewState } from '../../top/view-state.ts';

const byName = ({ comm }: { comm: string }) => comm;
const SIZE = { width: 80, height: 24 };
const plain = (_: string, text: string) => text;

function historyOf(...counts: readonly (readonly [node: number, sh: number, failures?: number])[]): SpawnerHistory {
  const history = new SpawnerHistory(byName);
  for (const [second, [node, sh, failures = 0]] of counts.entries())
    history.add({
      atMs: 5000 + second * 2000,
      rows: [fakeRow({ spawns: node }), fakeRow({ comm: 'sh', mechanism: 'vfork', spawns: sh })].filter(
        (row) => row.spawns > 0,
      ),
      failures: failures > 0 ? [fakeFailure({ count: failures })] : [],
    });
  return history;
}

const figure = (history: SpawnerHistory, name: string) => history.figures().find((each) => each.name === name);

test('rates are of the time between the last two readings', () => {
  const node = figure(historyOf([10, 0], [14, 0, 2], [20, 0, 8]), 'node');
  assert.deepEqual(node?.rates, {
    spawns: 3,
    stallNs: 9e6,
    copiedBytes: 3 * 1_048_576,
    avoidableNs: 3 * 2_975_000,
    siblingWaitNs: 3 * 2_000_000,
    failures: 3,
  });
  assert.equal(node?.minute.spawns, 10, 'not what was counted before the first reading');
  assert.deepEqual(node?.course, [
    { agoMs: 2000, stallNs: 12e6 },
    { agoMs: 0, stallNs: 18e6 },
  ]);
});

test('a spawner that comes later counts from its first spawn; one that was evicted begins anew', () => {
  const history = historyOf([10, 0], [10, 6], [2, 6]);
  assert.equal(figure(history, 'sh')?.minute.spawns, 6);
  assert.equal(figure(history, 'node')?.rates.spawns, 1);
  assert.equal(figure(historyOf([10, 0], [10, 0]), 'node'), undefined, 'idle');
});

test('no more is avoidable than the stall of the same time, also where a child calls exec after a reading that has its stall', () => {
  const history = new SpawnerHistory(byName);
  const reading = (forks: number, execs: number, vforks: number) => [
    fakeRow({ spawns: forks, avoidableStallNs: 2_975_000 * execs }),
    fakeRow({ mechanism: 'vfork', spawns: vforks, avoidableStallNs: 0 }),
  ];
  history.add({ atMs: 1000, rows: reading(10, 0, 1), failures: [] });
  history.add({ atMs: 2000, rows: reading(11, 11, 50), failures: [] });
  const node = figure(history, 'node');
  assert.deepEqual([node?.rates.stallNs, node?.rates.avoidableNs], [3e6 * (1 + 49), 3e6]);
  assert.equal(node?.minute.avoidableStallNs, 3e6);
});

test('what is older than a minute is gone', () => {
  const seconds = Array.from({ length: 100 }, (_, second) => [second, 0] as const);
  const spawns = figure(historyOf(...seconds), 'node')?.minute.spawns ?? 0;
  assert.ok(spawns >= 30 && spawns <= 36, `${spawns} of one each two seconds`);
});

const press = (state: ViewState, ...inputs: readonly string[]) =>
  inputs.flatMap(keysOf).reduce<ViewState>((before, key) => {
    const next = pressed(before, key, ['a', 'b', 'c'], 2);
    assert.ok(typeof next !== 'string');
    return next;
  }, state);

test('keys choose, sort, filter and open', () => {
  assert.equal(press(FIRST_VIEW, '\u001b[B', '\u001b[B', '\u001b[B', '\u001b[A').selected, 1);
  assert.equal(press(FIRST_VIEW, '\u001b[6~').selected, 2);
  assert.equal(press(FIRST_VIEW, '\u001b[B', '\r').detail, 'b');
  assert.equal(press(FIRST_VIEW, '\r', '\u001b').detail, undefined);
  assert.equal(press(FIRST_VIEW, 'c').sort, 'COPIED/s');
  assert.notEqual(press(FIRST_VIEW, '>').sort, FIRST_VIEW.sort);
  assert.equal(press(FIRST_VIEW, '>', '<').sort, FIRST_VIEW.sort);
  const typed = press(FIRST_VIEW, '/', 'nq', '\u007f', 'o');
  assert.deepEqual([typed.filter, typed.typing], ['no', true]);
  assert.deepEqual(press(typed, '\r', '\u001b').filter, '');
  assert.deepEqual([press(FIRST_VIEW, 'p', 'f', '?').paused, press(FIRST_VIEW, '?', 'q').help], [true, false]);
  assert.equal(press(FIRST_VIEW, '\u001b[<0;5;3M').selected, 2, 'a click');
  assert.equal(press(FIRST_VIEW, '\u001b[<65;1;1M').selected, 1, 'the wheel');
  for (const [key, command] of [
    ['q', 'quit'],
    ['\u0003', 'quit'],
    ['\u001a', 'suspend'],
  ] as const)
    // prettier-ignore
    assert.equal(keysOf(key).map((one) => pressed(FIRST_VIEW, one, [], 1))[0], command);
  assert.deepEqual(keysOf('\u001b[99;5~\u0000\u001b[<0;1;1m'), [], 'what means nothing');
});

const dataOf = (history: SpawnerHistory): TopData => ({
  title: 'host',
  nowMs: 0,
  figures: history.figures(),
  absent: new Map(),
  eventsLost: 0,
  own: { cpuPercent: 1, residentBytes: 1 << 26 },
  lines: [],
  files: new Map(),
  advice: undefined,
});

test('rows are sorted, filtered, or keep their order', () => {
  const { figures } = dataOf(historyOf([10, 0], [12, 50]));
  const names = (state: Partial<ViewState>, order: readonly string[] = []) =>
    rowsOf(figures, { ...FIRST_VIEW, ...state }, order).map(({ name }) => name);
  assert.deepEqual(names({}), ['sh', 'node']);
  assert.deepEqual(names({ sort: 'SPAWNER' }), ['node', 'sh']);
  assert.deepEqual(names({ filter: 'NOD' }), ['node']);
  assert.deepEqual(names({ frozen: true }, ['node', 'sh']), ['node', 'sh']);
});

test('no line is longer than the screen, and no more lines than fit are shown', () => {
  const history = new SpawnerHistory(byName);
  const names = Array.from({ length: 100 }, (_, index) => `spawner\u001b-${index}`);
  for (const spawns of [1, 5])
    history.add({ atMs: spawns * 1000, rows: names.map((comm) => fakeRow({ comm, spawns })), failures: [] });
  const data = dataOf(history);
  const rows = rowsOf(data.figures, FIRST_VIEW, []);
  for (const size of [SIZE, { width: 200, height: 50 }, { width: 40, height: 6 }])
    for (const state of [{}, { help: true }, { selected: 99 }, { detail: names[3] }, { filter: 'x'.repeat(300) }]) {
      const lines = screenLines(rows, data, { ...FIRST_VIEW, ...state }, size, plain);
      assert.equal(lines.length, size.height);
      for (const line of lines) assert.ok(line.length <= size.width && !line.includes('\u001b'), line);
    }
  assert.ok(
    screenLines(rows, data, { ...FIRST_VIEW, selected: 99 }, SIZE, plain).some((line) =>
      line.includes(rows[99]?.name.slice(-3) ?? '?'),
    ),
  );
  assert.equal(firstShown(50, 100, SIZE), 40);
});

test('a unit is shown where there is room, with how many more; 200 columns are used', () => {
  const history = new SpawnerHistory(byName, ({ id }) => (id === '3' ? undefined : `unit-${id}`));
  for (const spawns of [1, 5])
    history.add({
      atMs: spawns * 1000,
      rows: ['1', '2', '3'].map((id) => fakeRow({ id, spawns: spawns + Number(id) })),
      failures: [],
    });
  const data = dataOf(history);
  const rows = rowsOf(data.figures, FIRST_VIEW, []);
  const lines = (width: number) => screenLines(rows, data, FIRST_VIEW, { width, height: 24 }, plain).slice(2, 4);
  assert.doesNotMatch(lines(80)[0] ?? '', /UNIT/);
  const [header = '', row = ''] = lines(200);
  assert.equal(row.slice(header.indexOf('UNIT')).split('  ')[0], 'unit-2 +1');
  assert.equal(row.trimEnd().length, 200, 'the last minute reaches the right edge');
  const detail = (advice: TopData['advice'], absent: TopData['absent'] = new Map()) =>
    screenLines(rows, { ...data, advice, absent }, { ...FIRST_VIEW, detail: 'node' }, SIZE, plain).join('\n');
  assert.match(detail({ why: 'it forks', remedy: 'do not' }), /^node, the last minute, in unit-2, unit-1$/m);
  assert.match(detail({ why: 'it forks', remedy: 'do not' }), /^ {2}it forks -> do not$/m);
  assert.match(detail(undefined), /^ {2}Nothing of its stall is avoidable\.$/m);
  assert.doesNotMatch(detail(undefined, new Map([['exec', 'no hook']])), /avoidable\.$/m);
  const unplaced = { ...data, absent: new Map([['places', 'a recording'] as const]) };
  assert.doesNotMatch(tableText(rows, unplaced, 200, plain), /UNIT/);
});

test('a column that cannot be measured is absent', () => {
  const data = { ...dataOf(historyOf([1, 0], [3, 0])), absent: new Map([['stall', 'no hook'] as const]) };
  const [header = ''] = tableText(rowsOf(data.figures, FIRST_VIEW, []), data, Infinity, plain).split('\n');
  assert.match(header, /SPAWNS\/s/);
  assert.doesNotMatch(header, /STALL|P50|WORST|AVOID/);
  assert.equal(new Set(TOP_COLUMNS.flatMap(({ key }) => key ?? [])).size, TOP_COLUMNS.filter(({ key }) => key).length);
});

test('the course has one character for each part of the minute, whatever the time between readings', () => {
  const every = (ms: number, stallOf: (agoMs: number) => number) =>
    Array.from({ length: 60_000 / ms }, (_, index) => ({ agoMs: index * ms, stallNs: stallOf(index * ms) }));
  assert.equal(sparkline([], 4), '    ');
  for (const ms of [500, 1000, 5000]) {
    assert.equal(
      sparkline(
        every(ms, (ago) => (ago < 15_000 ? 8 : 0)),
        4,
      ),
      '   █',
    );
    assert.equal(
      sparkline(
        every(ms, (ago) => (ago < 30_000 ? 8 : 1)),
        4,
      ),
      '▂▂██',
    );
  }
});
