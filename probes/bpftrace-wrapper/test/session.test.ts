/** What the real bpftrace does too seldom to wait for it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Message, parseVersion, run } from '../lib/index.ts';
import type { Bpftrace } from '../lib/find.ts';
import { pretend } from './pretend.ts';

const TIME_LIMIT = { timeout: 120_000 };
/** Leaves the text of the heartbeat in $beat. */
const READ_BEAT = String.raw`beat=$(sed -n 's/^interval.*printf("\(.*\)"); }$/\1/p')`;
const SAY_BEAT = String.raw`printf '%s\n' "{\"type\": \"printf\", \"data\": \"$beat\"}"`;

function bpftraceAt(path: string): Bpftrace {
  const version = parseVersion('0.17.0');
  assert.ok(version);
  return { path, version };
}

test('a SIGINT that was missed is repeated, as long as heartbeats go on', TIME_LIMIT, async (t) => {
  const path = pretend(
    t,
    `${READ_BEAT}; seen=0; trap 'seen=$((seen + 1))' INT
     while [ $seen -lt 2 ]; do ${SAY_BEAT}; sleep 0.1; done; echo '{"type": "map", "data": {"@end": 1}}'`,
  );
  const trace = await run({ script: { text: '@end = 1' }, bpftrace: bpftraceAt(path), stopTimeoutMs: 60_000 });
  const ending = await trace.stop();
  assert.deepEqual([ending.reason, ending.killed, ending.exitCode], ['stopped', false, 0]);
  const messages: Message[] = [];
  for await (const message of trace) messages.push(message);
  assert.deepEqual(messages, [{ type: 'map', name: '@end', entries: [['', 1]] }]);
});

test('a pipe that somebody else holds open does not hold up the end', TIME_LIMIT, async (t) => {
  const path = pretend(t, `${READ_BEAT}; ${SAY_BEAT}; sleep 20 & echo $! >&2; exit 0`);
  const trace = await run({ script: { text: '' }, bpftrace: bpftraceAt(path), stopTimeoutMs: 500 });
  let holder = 0;
  for await (const message of trace) if (message.type === 'note') holder = Number(message.text);
  process.kill(holder);
  assert.equal((await trace.ended).reason, 'exited');
});

test('a status that the script chose is an error, told with it', TIME_LIMIT, async (t) => {
  const path = pretend(t, `${READ_BEAT}; ${SAY_BEAT}; echo 'ERROR: went wrong' >&2; exit 3`);
  const trace = await run({ script: { text: '' }, bpftrace: bpftraceAt(path) });
  await assert.rejects(
    async () => {
      for await (const message of trace) assert.equal(message.type, 'error');
    },
    { code: 'BPFTRACE_DIED', exitCode: 3, message: /exit status 3\): ERROR: went wrong/ },
  );
});

test('lines of warnings on stdout, as 0.24 to 0.26 write them, are no start and no harm', TIME_LIMIT, async (t) => {
  const path = pretend(
    t,
    `${READ_BEAT}; echo 'stdin:1:1-2: WARNING: look'; echo '    ~~'; echo; ${SAY_BEAT}; ${SAY_BEAT}`,
  );
  const trace = await run({ script: { text: '' }, bpftrace: bpftraceAt(path), heartbeats: true });
  const types: string[] = [];
  for await (const { type } of trace) types.push(type);
  assert.deepEqual(types, ['warning', 'note', 'heartbeat', 'heartbeat']);
});
