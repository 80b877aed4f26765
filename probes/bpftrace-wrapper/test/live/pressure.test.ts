/** A script that says more than anybody reads: bpftrace waits, the kernel's buffer overflows, and the loss is counted. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Message, type Trace, run } from '../../lib/index.ts';
import { statOf } from './helpers.ts';

const FLOOD = {
  text: 'interval:us:200 { unroll(20) { printf("%d %s\\n", @n, "a line of some length"); @n++; } }',
};
const QUEUE_BYTES = 100_000;
const TIME_LIMIT = { timeout: 120_000 };

/** It waits for a reader when it uses no more of the processor, although its probes go on. */
async function untilItWaits(trace: Trace): Promise<void> {
  for (let before = -1, now = 0; now !== before; now = statOf(trace.pid)?.cpuTime ?? 0) {
    before = now;
    await sleep(500);
  }
}

interface Read {
  readonly numbers: number[];
  readonly lost: number;
  /** How many numbers came before the first message of a loss. */
  readonly beforeLoss: number;
}

async function readUntil(messages: AsyncIterator<Message>, enough: (read: Read) => boolean): Promise<Read> {
  const read = { numbers: [] as number[], lost: 0, beforeLoss: 0 };
  for (let next = await messages.next(); !next.done && !enough(read); next = await messages.next()) {
    const message = next.value;
    if (message.type === 'printf') read.numbers.push(Number.parseInt(message.text, 10));
    if (message.type !== 'lost') continue;
    if (read.lost === 0) read.beforeLoss = read.numbers.length;
    read.lost += message.events;
  }
  return read;
}

test('nothing is lost unseen', TIME_LIMIT, async () => {
  const trace = await run({ script: FLOOD, maxQueuedBytes: QUEUE_BYTES, settings: { bufferPages: 8 } });
  await untilItWaits(trace);
  const iterator = trace[Symbol.asyncIterator]();
  const { numbers, lost, beforeLoss } = await readUntil(
    iterator,
    (read) => read.numbers.length > read.beforeLoss + 1000 && read.lost > 0,
  );
  await iterator.return?.();
  // What waited: our queue, the pipe, bpftrace's buffer. Had nobody waited, a second of this alone were 4 MB.
  assert.ok(beforeLoss * 40 < QUEUE_BYTES + 1_500_000, `${beforeLoss} lines waited`);
  assert.ok(beforeLoss >= QUEUE_BYTES / 150, 'the queue was not used');
  const gaps = numbers.slice(1).reduce((sum, number, index) => sum + number - (numbers[index] ?? 0) - 1, 0);
  assert.ok(numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? 0)));
  assert.ok(lost > 0);
  // Heartbeats can be lost too, and what was lost after the last line read was not told yet.
  assert.ok(gaps <= lost, `${gaps} lines are missing, ${lost} events were said to be lost`);
  assert.equal((await trace.ended).reason, 'stopped');
});

test('stop() ends it although nobody reads; what has no room is counted', TIME_LIMIT, async () => {
  const trace = await run({ script: FLOOD, maxQueuedBytes: QUEUE_BYTES });
  await untilItWaits(trace);
  const { reason, killed, discarded } = await trace.stop();
  assert.deepEqual([reason, killed], ['stopped', false]);
  assert.ok(discarded > 0);
  let rest = 0;
  for await (const message of trace) rest += message.type === 'printf' ? message.text.length : 0;
  assert.ok(rest > 0 && rest <= QUEUE_BYTES);
});

test('a line that is too long is dropped, with a warning, and the others come', TIME_LIMIT, async () => {
  const text =
    'BEGIN { @m[1, "some key"] = 1; @m[2, "other key"] = 1; print(@m); printf("after\\n"); clear(@m); exit(); }';
  const trace = await run({ script: { text }, maxLineBytes: 60 });
  const messages: Message[] = [];
  for await (const message of trace) if (message.type !== 'attached') messages.push(message);
  const warnings = messages.filter((message) => message.type === 'warning' && message.source === 'wrapper');
  assert.equal(warnings.length, 1);
  assert.ok(messages.some((message) => message.type === 'printf' && message.text === 'after\n'));
});
