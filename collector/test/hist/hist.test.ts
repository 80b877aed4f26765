import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hist, type HistSettings } from '../../hist/command.ts';
import { HISTOGRAM_FIELDS } from '../../hist/json.ts';
import { createFakeEngine, fakeRow, type FakeEngine } from '../../../testing/fake-engine.ts';
import { fakeOutput } from '../terminal/fake-output.ts';

const settings: HistSettings = { of: 'stall', by: 'mechanism', top: 20, json: true };
const never = new AbortController().signal;

/** Makes an engine whose n-th snapshot, from 0, has the rows n times. */
function growingEngine(rows: readonly Parameters<typeof fakeRow>[0][]): FakeEngine {
  const engine = createFakeEngine();
  let snapshots = 0;
  engine.snapshot = () => {
    const times = snapshots++;
    const grown = rows.map((row) => fakeRow({ ...row, spawns: (row?.spawns ?? 1) * times }));
    return { ...engine.next, rows: times === 0 ? [] : grown };
  };
  return engine;
}

async function run(engine: FakeEngine, given: Partial<HistSettings>, stop = never): Promise<string> {
  const output = fakeOutput();
  await hist(engine, { ...settings, ...given }, output, stop);
  return output.written.join('');
}

const parse = (text: string): Record<string, unknown>[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line): Record<string, unknown> => JSON.parse(line));

test('each interval has what came in it alone', async () => {
  const engine = growingEngine([{ spawns: 3 }, { mechanism: 'vfork', spawns: 1, comm: 'sh' }]);
  const records = parse(await run(engine, { interval: 1e6, count: 2 }));
  assert.deepEqual(
    records.map(({ name, count }) => [name, count]),
    [
      ['vfork', 1],
      ['fork', 3],
      ['vfork', 1],
      ['fork', 3],
    ],
  );
  assert.deepEqual(Object.keys(records[0] ?? {}), Object.keys(HISTOGRAM_FIELDS));
});

test('rows of which nobody can tell whether they are wanted are left out, and counted', async () => {
  const engine = growingEngine([
    { spawns: 3 },
    { comm: '(other)', mechanism: 'vfork', spawns: 4 },
    { comm: 'no', spawns: 9 },
  ]);
  const output = fakeOutput();
  const wants = ({ comm }: { comm: string }) => (comm === '(other)' ? undefined : comm === 'node');
  await hist(engine, { ...settings, interval: 1e6, count: 1, wants }, output, never);
  assert.deepEqual(
    parse(output.written.join('')).map(({ count }) => count),
    [3],
  );
  assert.match(output.said.join(''), /^4 spawns are left out, because/m);
});

test('a stop prints the interval that it cuts, and no other', async () => {
  const engine = growingEngine([{}]);
  const records = parse(await run(engine, { interval: 3600e9 }, AbortSignal.timeout(50)));
  assert.equal(records.length, 1);
});

test('spawners: the largest sum last, and only so many', async () => {
  const engine = growingEngine([
    { comm: 'a', spawns: 2 },
    { comm: 'b', spawns: 9 },
    { comm: 'c', spawns: 5 },
  ]);
  const text = await run(engine, { by: 'spawner', top: 2, json: false, interval: 1e6, count: 1 });
  assert.deepEqual(text.match(/spawner = \w/g), ['spawner = c', 'spawner = b']);
  assert.match(text, /\nsmaller groups that are not shown: 1; --top shows more\n/);
});

test('what no hook feeds is an error, not a zero', async () => {
  const engine = createFakeEngine({ hooks: [{ name: 'calls', attached: false, reason: 'EPERM', columns: ['stall'] }] });
  await assert.rejects(run(engine, {}), {
    code: 'FORKTAX_NO_HOOK',
    message: 'stall cannot be measured here: calls: EPERM',
  });
});

test('-T prints the time of each output', async () => {
  const text = await run(growingEngine([{}]), { timestamp: true, json: false, interval: 1e6, count: 2 });
  assert.equal(text.match(/^\d\d:\d\d:\d\d\.\d{3}$/gm)?.length, 2);
});
