/** A script that says more than anybody reads: bpftrace waits, the kernel's buffer overflows, and the loss is counted. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Message, type Trace, run } from '../../lib/index.ts';
import { collect, statOf } from './helpers.ts';

const NUMBERS = 300_000;
const FLOOD = {
  text: `
    interval:us:200 { if (@n < ${NUMBERS}) { unroll(20) { printf("%d %s\\n", @n, "a line of some length"); @n++; } } }
    interval:s:1 { if (@n >= ${NUMBERS}) { exit(); } }`,
};
const QUEUE_BYTES = 100_000;
// None, lest they be lost too. A queue that is full is a sign of life as well.
const NO_HEARTBEAT = { heartbeatMs: 1_000_000 };
const TIME_LIMIT = { timeout: 120_000 };

/** write(2) or writev(2) to the standard output: asm/unistd.h, proc_pid_syscall(5). Who waits for a processor is in no call. */
const WRITES = process.arch === 'arm64' ? /^6[46] 0x1 / : /^(1|20) 0x1 /;
const isWriting = (pid: number): boolean => WRITES.test(readFileSync(`/proc/${pid}/syscall`, 'utf8'));

/** It waits for a reader when it stays in a write, and uses no more of the processor, although its probes go on. */
async function untilItWaits({ pid }: Trace): Promise<void> {
  const look = () => (isWriting(pid) ? statOf(pid)?.cpuTime : undefined);
  let [before, now] = [look(), look()];
  do {
    await sleep(500);
    [before, now] = [now, look()];
  } while (now === undefined || now !== before);
}

test('nothing is lost unseen', TIME_LIMIT, async () => {
  const options = { maxQueuedBytes: QUEUE_BYTES, settings: { bufferPages: 8 }, ...NO_HEARTBEAT };
  const trace = await run({ script: FLOOD, ...options });
  await untilItWaits(trace);
  const texts = (await collect(trace)).flatMap((message) => (message.type === 'printf' ? [message.text] : []));
  const numbers = texts.map((text) => Number.parseInt(text, 10));
  assert.ok(numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? 0)));
  const { reason, lostEvents } = await trace.ended;
  assert.equal(reason, 'exited');
  // The whole script counts up to a little more than NUMBERS, in steps of 20. An exit() can be lost before one is heard.
  const missing = Math.ceil(NUMBERS / 20) * 20 - numbers.length;
  assert.ok(missing > 0, 'nobody had to wait');
  assert.ok(missing <= lostEvents && lostEvents <= missing + 5, `${missing} are missing, ${lostEvents} were lost`);
  // Our queue, the pipe, bpftrace's buffer; had nobody waited, all would be here.
  const waited = numbers.findIndex((number, index) => number !== index);
  assert.ok(waited >= 0 && waited < 40_000, `${waited} lines waited`);
});

test('stop() ends it although nobody reads; what has no room is counted', TIME_LIMIT, async () => {
  const trace = await run({ script: FLOOD, maxQueuedBytes: QUEUE_BYTES, ...NO_HEARTBEAT });
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
    'BEGIN { @m[1, "a key that is not short"] = 1; @m[2, "nor is this one, which makes a hundred bytes"] = 1; print(@m); printf("after\\n"); clear(@m); exit(); }';
  const trace = await run({ script: { text }, maxLineBytes: 100 });
  const messages: Message[] = [];
  for await (const message of trace) if (message.type !== 'attached') messages.push(message);
  const warnings = messages.filter((message) => message.type === 'warning' && message.source === 'wrapper');
  assert.equal(warnings.length, 1);
  assert.ok(messages.some((message) => message.type === 'printf' && message.text === 'after\n'));
});
