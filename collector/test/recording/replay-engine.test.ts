/** A replay gives what was recorded: all of it, in its order, as far as its clock has gone. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { AT_MS, createFakeEngine, FAKE_HOOKS, fakeRow, fakeSpawn } from '../../../testing/fake-engine.ts';
import { missedColumns } from '../../model/hooks.ts';
import { headerOf } from '../../recording/header.ts';
import { openRecording } from '../../recording/reader.ts';
import { openReplayEngine } from '../../recording/replay-engine.ts';
import { RecordingWriter } from '../../recording/writer.ts';

const SECONDS = 5;
const folder = mkdtempSync(join(tmpdir(), 'forktax-replay-'));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'spawns.rec');
const never = new AbortController().signal;

/** Two spawns a second for five seconds. Three more were counted before the recording began. */
function record(file: string, hooks = FAKE_HOOKS): void {
  const writer = new RecordingWriter({ path: file }, { ...headerOf(createFakeEngine({ hooks })), startedMs: AT_MS });
  const { next } = createFakeEngine();
  const lost = (second: number) => ({ ...next.health, eventsLost: 100 + second });
  writer.addSnapshot({ ...next, atMs: AT_MS, rows: [fakeRow({ spawns: 3 })], health: lost(0) });
  for (let second = 1; second <= SECONDS; second++) {
    const ms = AT_MS + second * 1000;
    writer.addEvent(fakeSpawn({ atMs: ms - 700, child: second * 10 }));
    writer.addEvent(fakeSpawn({ atMs: ms - 300, child: second * 10 + 1, comm: 'sh' }));
    writer.addSnapshot({ ...next, atMs: ms, rows: [fakeRow({ spawns: 3 + 2 * second })], health: lost(second) });
  }
  writer.close();
}
record(path);

function replay(options: Partial<Parameters<typeof openReplayEngine>[1]> = {}) {
  const engine = openReplayEngine(openRecording(path), { speed: Infinity, ...options });
  const children: number[] = [];
  engine.subscribe((events) => children.push(...events.flatMap((event) => ('child' in event ? [event.child] : []))));
  return { engine, children };
}

test('nothing happens before somebody waits; then as much as fits into that time', async () => {
  const { engine, children } = replay();
  assert.deepEqual([children, engine.snapshot().rows, engine.clock.ended], [[], [], false]);
  await engine.clock.pause(1.5e9, never);
  assert.deepEqual(children, [10, 11, 20]);
  assert.equal(engine.snapshot().rows[0]?.spawns, 2);
  assert.equal(engine.clock.now(), AT_MS + 1500);
  await engine.clock.pause(undefined, never);
  assert.equal(children.length, 2 * SECONDS);
  assert.equal(engine.snapshot().rows[0]?.spawns, 2 * SECONDS, 'without those from before the recording');
  assert.equal(engine.snapshot().health.eventsLost, SECONDS);
  assert.ok(engine.clock.ended);
  engine.close();
});

test('it can begin later', async () => {
  const { engine, children } = replay({ fromMs: AT_MS + 3000 });
  await engine.clock.pause(undefined, never);
  assert.deepEqual(children, [40, 41, 50, 51]);
  assert.equal(engine.snapshot().rows[0]?.spawns, 4);
  engine.close();
});

test('events and rows can be chosen', async () => {
  const { engine, children } = replay({ wants: ({ comm }) => comm === 'sh', wantsRow: ({ comm }) => comm === 'sh' });
  await engine.clock.pause(undefined, never);
  assert.deepEqual(children, [11, 21, 31, 41, 51]);
  assert.deepEqual(engine.snapshot().rows, []);
  engine.close();
});

test('an abort ends the wait; the rest can still be played', async () => {
  const { engine, children } = replay({ speed: 1 });
  const stop = new AbortController();
  const waiting = engine.clock.pause(undefined, stop.signal);
  stop.abort();
  await waiting;
  assert.ok(children.length < 2 * SECONDS);
  engine.close();
  assert.ok(engine.clock.ended);
});

test('at a speed, no event comes earlier than its time', async () => {
  const startMs = performance.now();
  const { engine } = replay({ speed: 20 });
  const early: number[] = [];
  engine.subscribe((events) => {
    const passedMs = (performance.now() - startMs) * 20;
    for (const { atMs } of events) if (atMs - AT_MS > passedMs + 400) early.push(atMs);
  });
  await engine.clock.pause(undefined, never);
  assert.deepEqual(early, []);
  engine.close();
});

test('a stack that was written before its event is given, also where both come first', async () => {
  const file = join(folder, 'stacks.rec');
  const { next } = createFakeEngine();
  const writer = new RecordingWriter(
    { path: file },
    { ...headerOf(createFakeEngine()), startedMs: AT_MS, stacks: true },
  );
  const unwound = { frames: [], end: 'complete' } as const;
  for (const id of [1, 2]) {
    writer.addSnapshot({ ...next, atMs: AT_MS + (id - 1) * 1000 });
    writer.addStack({ id, unwound });
    writer.addEvent(fakeSpawn({ atMs: AT_MS + id * 1000 - 500, stack: id }));
  }
  writer.addSnapshot({ ...next, atMs: AT_MS + 2000 });
  writer.close();
  for (const [fromMs, expected] of [
    [AT_MS, [1, -1, 2, -2]],
    [AT_MS + 1000, [2, -2]],
  ] as const) {
    const engine = openReplayEngine(openRecording(file), { speed: Infinity, fromMs });
    const order: number[] = [];
    engine.subscribeUnwound?.(({ id }) => void order.push(id));
    engine.subscribe((events) =>
      events.forEach((event) => event.kind === 'spawn' && order.push(-(event.stack ?? Number.NaN))),
    );
    await engine.clock.pause(undefined, never);
    assert.deepEqual(order, expected);
    engine.close();
  }
});

test('the time of CoW faults is missed where it is asked for and was not recorded', () => {
  const without = join(folder, 'without.rec');
  record(
    without,
    FAKE_HOOKS.filter(({ columns }) => !columns.includes('cowFaultTimes')),
  );
  const missed = (file: string, timesCowFaults?: boolean) => {
    const engine = openReplayEngine(openRecording(file), { speed: Infinity, timesCowFaults });
    engine.close();
    return [...missedColumns(engine.hooks)];
  };
  assert.deepEqual(missed(without, true), [['cowFaultTimes', 'cow_fault_times: it was not recorded']]);
  assert.deepEqual(missed(without), []);
  assert.deepEqual(missed(path, true), []);
});
