import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createReadings } from '../../../serve/http/readings.ts';

function counted(restMs = 0) {
  let count = 0;
  let running = 0;
  let mostRunning = 0;
  const { take } = createReadings(async () => {
    const reading = { begunAt: performance.now(), number: ++count };
    mostRunning = Math.max(mostRunning, ++running);
    await new Promise((resolve) => setImmediate(resolve));
    running--;
    return reading;
  }, restMs);
  return { take, count: () => count, mostRunning: () => mostRunning };
}

describe('readings of the tables', () => {
  it('are shared by all who asked before one began', async () => {
    const { take, count } = counted();
    const now = performance.now();
    const numbers = await Promise.all(Array.from({ length: 1_000 }, async () => (await take(now)).number));
    assert.deepEqual([count(), new Set(numbers).size], [1, 1]);
  });

  it('are never older than the question, and one runs at a time', async () => {
    const { take, mostRunning } = counted();
    const asked: Promise<void>[] = [];
    for (let i = 0; i < 50; i++) {
      const since = performance.now();
      asked.push(take(since).then(({ begunAt }) => assert.ok(begunAt >= since)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(asked);
    assert.equal(mostRunning(), 1);
  });

  it('serve those too who asked before and come later', async () => {
    const { take, count } = counted(1_000);
    const since = performance.now();
    await take(since);
    await take(since);
    assert.equal(count(), 1);
  });

  it('stay for those who wait, and no longer', async () => {
    const { take, hold } = createReadings(async () => ({ begunAt: performance.now() }), 1);
    const since = performance.now();
    const held = hold();
    const first = new WeakRef(await take(since));
    await sleep(20);
    assert.equal(await take(since), first.deref(), 'somebody waits');
    held[Symbol.dispose]();
    await sleep(20);
    assert.notEqual(await take(since), first.deref(), 'nobody waits');
  });

  it('rest in between', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const settled = () => new Promise((resolve) => setImmediate(resolve));
    const { take, count } = counted(1_000_000);
    await take(performance.now());
    const second = take(performance.now());
    await settled();
    t.mock.timers.tick(900_000);
    await settled();
    assert.equal(count(), 1, 'it rests');
    t.mock.timers.tick(100_000);
    await second;
    assert.equal(count(), 2, 'it has rested');
  });

  it('go on after one that failed, of which all its readers are told', async () => {
    let fails = true;
    const { take } = createReadings(async () => {
      if (fails) throw new Error('gone');
      return { begunAt: performance.now() };
    }, 0);
    const now = performance.now();
    const both = await Promise.allSettled([take(now), take(now)]);
    assert.deepEqual(
      both.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    fails = false;
    await take(performance.now());
  });
});
