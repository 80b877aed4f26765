/** Ends of a run, wanted and unwanted; on the real bpftrace. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Message, type Trace, run } from '../../lib/index.ts';
import { collect, descendantsOf, until } from './helpers.ts';

const TICKS = 'interval:ms:50 { printf("tick\n"); @n = count(); } END { printf("end\n"); }'.replaceAll('\n', '\\n');
const TIME_LIMIT = { timeout: 120_000 };

async function firstTick(trace: Trace): Promise<AsyncIterator<Message>> {
  const iterator = trace[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = await iterator.next();
    assert.ok(!done);
    if (value.type === 'printf') return iterator;
  }
}

test('leaving the loop stops bpftrace', TIME_LIMIT, async () => {
  const trace = await run({ script: { text: TICKS } });
  for await (const message of trace) if (message.type === 'printf') break;
  const ending = await trace.ended;
  assert.equal(ending.reason, 'stopped');
  assert.equal(ending.killed, false);
  assert.throws(() => trace[Symbol.asyncIterator](), /once/);
  assert.equal(descendantsOf(process.pid).length, 0);
});

test('await using stops it at the end of the block', TIME_LIMIT, async () => {
  const trace = await run({ script: { text: TICKS } });
  await trace[Symbol.asyncDispose](); // what `await using` calls; Node.js 22 cannot parse that
  assert.equal((await trace.ended).reason, 'stopped');
});

test('stop() in the loop: what was still to say can be read', TIME_LIMIT, async () => {
  const trace = await run({ script: { text: TICKS } });
  const told: string[] = [];
  for await (const message of trace) {
    if (message.type === 'printf') void trace.stop();
    told.push(message.type === 'printf' ? message.text : message.type);
  }
  assert.ok(told.includes('end\n'));
  assert.equal(told.at(-1), 'map');
  assert.equal((await trace.stop()).reason, 'stopped');
});

test('an aborted signal stops it, and the loop throws its reason', TIME_LIMIT, async () => {
  const controller = new AbortController();
  const trace = await run({ script: { text: TICKS }, signal: controller.signal });
  const iterator = await firstTick(trace);
  controller.abort(new Error('enough'));
  await assert.rejects(async () => iterator.next(), /enough/);
  assert.equal((await trace.ended).reason, 'stopped');
});

test('a bpftrace that does not heed SIGINT is killed', TIME_LIMIT, async () => {
  const trace = await run({ script: { text: TICKS }, stopTimeoutMs: 300 });
  process.kill(trace.pid, 'SIGSTOP');
  const ending = await trace.stop();
  assert.deepEqual([ending.reason, ending.killed, ending.signal], ['stopped', true, 'SIGKILL']);
  assert.equal(descendantsOf(process.pid).length, 0);
});

test('a bpftrace that dies: first what it said, then the error', TIME_LIMIT, async () => {
  const trace = await run({ script: { text: TICKS } });
  const iterator = await firstTick(trace);
  process.kill(trace.pid, 'SIGKILL');
  await assert.rejects(
    async () => {
      while (!(await iterator.next()).done);
    },
    { code: 'BPFTRACE_DIED', signal: 'SIGKILL' },
  );
  assert.equal((await trace.ended).reason, 'failed');
});

test('a bpftrace that falls silent is killed', TIME_LIMIT, async () => {
  const trace = await run({ script: { text: 'BEGIN { }' }, heartbeatMs: 100, stallTimeoutMs: 1000 });
  process.kill(trace.pid, 'SIGSTOP');
  await assert.rejects(collect(trace), { code: 'BPFTRACE_STALLED' });
  const ending = await trace.ended;
  assert.deepEqual([ending.reason, ending.killed], ['failed', true]);
});

test('a reader that is slow is no stall, and neither is a script that says nothing', TIME_LIMIT, async () => {
  const trace = await run({ script: { text: 'BEGIN { }' }, heartbeatMs: 100, stallTimeoutMs: 3000, heartbeats: true });
  const slow = await run({ script: { text: TICKS }, heartbeatMs: 100, stallTimeoutMs: 3000, maxQueuedBytes: 100 });
  const beats: number[] = [];
  for await (const message of trace) {
    if (message.type === 'heartbeat') beats.push(message.beat);
    if (beats.length === 40) break;
  }
  assert.deepEqual(
    beats,
    Array.from({ length: 40 }, (_, index) => index + 1),
  );
  await firstTick(slow);
  assert.equal((await slow.stop()).reason, 'stopped');
  assert.equal((await trace.ended).reason, 'stopped');
});

test('several at once do not meet', TIME_LIMIT, async () => {
  const traces = await Promise.all(
    [1, 2, 3].map((n) => run({ script: { text: 'BEGIN { printf("%d", $1); }' }, parameters: [n] })),
  );
  const said = await Promise.all(
    traces.map(async (trace) => {
      const iterator = trace[Symbol.asyncIterator]();
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
        if (next.value.type === 'printf') return next.value.text;
      }
      return '';
    }),
  );
  assert.deepEqual(said, ['1', '2', '3']);
  await Promise.all(traces.map((trace) => trace.stop()));
  await until(() => descendantsOf(process.pid).length === 0);
});
