import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../model/clock.ts';
import { snoop, type SnoopSettings } from '../../snoop/command.ts';
import { createFakeEngine, fakeRow, fakeSpawn, type FakeEngine } from '../../../testing/fake-engine.ts';
import { fakeOutput } from '../terminal/fake-output.ts';

const fast = fakeSpawn({ child: 1, stallNs: 1_000_000 });
const slow = fakeSpawn({ child: 2, stallNs: 5_000_000 });
const { stallNs: _stall, copyNs: _copy, ...unseen } = fakeSpawn({ child: 3 });
const exec = { ...unseen, kind: 'exec', delayNs: 1, file: '/bin/true' } as const;

/** Runs until `script` is done, and then stops as after Ctrl-C. Gives the output. */
async function run(settings: SnoopSettings, script: (engine: FakeEngine) => void, clock?: Clock) {
  const engine = Object.assign(createFakeEngine(), clock && { clock });
  const output = fakeOutput();
  const stop = new AbortController();
  const ended = snoop(engine, { json: true, ...settings }, output, stop.signal);
  script(engine);
  stop.abort();
  await ended;
  assert.equal(engine.subscribers, 0);
  return { written: output.written.join(''), said: output.said.join('') };
}

async function recordsOf(...args: Parameters<typeof run>): Promise<Record<string, unknown>[]> {
  const { written } = await run(...args);
  return written
    .trimEnd()
    .split('\n')
    .map((line): Record<string, unknown> => JSON.parse(line));
}

const children = (records: readonly Record<string, unknown>[]): unknown[] =>
  records.filter(({ type }) => type === 'spawn').map(({ child }) => child);

test('--min-stall leaves out what stood still for less, or for nobody knows how long', async () => {
  const records = await recordsOf({ minStall: 5_000_000 }, (engine) => engine.emit(fast, slow, unseen));
  assert.deepEqual(children(records), [2]);
  assert.match(JSON.stringify(records.at(-1)), /"fork":\{"spawns":3,"stall_sum_ns":6000000,/);
});

test('-n with --follow leaves out other names, in the counts too', async () => {
  const records = await recordsOf({ shownName: 'sh' }, (engine) => {
    engine.next = { ...engine.next, rows: [fakeRow({ comm: 'sh', spawns: 1 }), fakeRow({ spawns: 7 })] };
    engine.emit(fast, { ...slow, comm: 'sh' });
  });
  assert.deepEqual(children(records), [2]);
  assert.equal(records.at(-1)?.counted_spawns, 1);
});

test('-c prints so many lines and ends, however many come at once', async () => {
  const engine = createFakeEngine();
  const output = fakeOutput();
  const ended = snoop(engine, { count: 2 }, output, AbortSignal.timeout(30_000));
  engine.emit(
    ...[1, 2, 3].flatMap((child) => [
      { ...fast, child },
      { ...exec, child },
    ]),
  );
  await ended;
  assert.equal(output.written.join('').trimEnd().split('\n').length, 1 + 2);
});

test('after a pause, a child whose exec is still to be read is not taken for one that runs on', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let nowMs = 0;
  const pause: Clock['pause'] = (_ns, stop) =>
    new Promise((resolve) => stop.addEventListener('abort', () => resolve()));
  const records = await recordsOf(
    {},
    (engine) => {
      nowMs = 500;
      t.mock.timers.tick(500);
      nowMs = 600;
      engine.emit(fast);
      nowMs = 3000;
      t.mock.timers.tick(500);
      engine.emit({ ...exec, child: fast.child });
    },
    { now: () => nowMs, pause, ended: false },
  );
  assert.deepEqual(
    records.map(({ type, outcome }) => [type, outcome]),
    [
      ['spawn', 'exec'],
      ['summary', undefined],
    ],
  );
});

test('lost events are told, and counted in the summary', async () => {
  const records = await recordsOf({}, (engine) => {
    engine.emit(fast);
    const { health } = engine.next;
    engine.next = { ...engine.next, health: { ...health, eventsLost: 12 } };
  });
  assert.deepEqual(
    records.map(({ type, events, outcome, events_lost: lost }) => [type, events ?? outcome ?? lost]),
    [
      ['lost', 12],
      ['spawn', 'unknown'],
      ['summary', 12],
    ],
  );
});

test('the table tells of lost events apart from the data', async () => {
  const { written, said } = await run({ json: false }, (engine) => {
    const { health } = engine.next;
    engine.next = { ...engine.next, health: { ...health, eventsLost: 1234 } };
    engine.emit(fast);
  });
  assert.match(written, /^TIME .*\n.* \?\n$/);
  assert.match(said, /^Tracing.*\nlost 1,234 events: .*\n\n1 spawns in /);
  assert.match(said, /\n1,234 events were lost and are missing above; the kernel counted 0 spawns\n$/);
});

test('only spawners of a wanted cgroup; one whose cgroup is not known is none', async () => {
  const paths: Record<string, string> = { 1: '/system.slice/a.service', 2: '/system.slice/b.service' };
  const settings = {
    cgroups: { pathOf: (_pid: number, id: string) => paths[id] },
    isWantedCgroup: (path: string) => path.includes('/a.'),
  };
  const records = await recordsOf(settings, (engine) =>
    engine.emit(fast, { ...slow, cgroup: '2' }, { ...slow, child: 7, cgroup: '3' }),
  );
  assert.deepEqual(children(records), [1]);
  assert.equal(records[0]?.unit, 'a.service');
  assert.equal(records.at(-1)?.counted_spawns, undefined);
});

test('the summary names the worst spawners, the worst first', async () => {
  const { said } = await run({ json: false }, (engine) =>
    engine.emit(fast, { ...slow, comm: 'sh', pid: 7 }, { ...slow, comm: 'sh', pid: 8, stallNs: 1_000_000 }),
  );
  assert.match(
    said,
    /\nSPAWNER +SPAWNS STALL-SUM +MAX +OF PID\nsh +2 +6.00ms +5.00ms +7\nnode +1 +1.00ms +1.00ms +100\n/,
  );
  const { said: alone } = await run({ json: false }, (engine) => engine.emit(fast));
  assert.doesNotMatch(alone, /SPAWNER/);
});
