/** The real bpftrace on this machine's kernel; as root. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Message, run } from '../../lib/index.ts';

async function collect(messages: AsyncIterable<Message>): Promise<Message[]> {
  const all: Message[] = [];
  for await (const message of messages) all.push(message);
  return all;
}

test('a script that ends by itself: its output in order, then its maps', async () => {
  const text = 'BEGIN { printf("one\\n"); @a = 1; @h[2, "x y"] = hist(5); exit(); } END { printf("two\\n"); }';
  const trace = await run({ script: { text } });
  const messages = await collect(trace);
  const told = messages.filter((message) => message.type !== 'warning' && message.type !== 'attached');
  assert.deepEqual(told.slice(0, 3), [
    { type: 'printf', text: 'one\n' },
    { type: 'printf', text: 'two\n' },
    { type: 'map', name: '@a', entries: [['', 1]] },
  ]);
  const { reason, exitCode, lostEvents, discarded } = await trace.ended;
  assert.deepEqual(
    { reason, exitCode, lostEvents, discarded },
    { reason: 'exited', exitCode: 0, lostEvents: 0, discarded: 0 },
  );
});

test('stop() lets END run and the maps be printed', async () => {
  const text = 'interval:ms:50 { @n = count(); } END { printf("end\\n"); }';
  const trace = await run({ script: { text } });
  const messages: Message[] = [];
  const reading = collect(trace).then((all) => messages.push(...all));
  const ending = await trace.stop();
  await reading;
  assert.equal(ending.reason, 'stopped');
  assert.equal(ending.killed, false);
  assert.ok(messages.some((message) => message.type === 'printf' && message.text === 'end\n'));
  assert.ok(messages.some((message) => message.type === 'map' && message.name === '@n'));
});
