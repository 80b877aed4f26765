import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { endOfProcess, requireProcess } from '../../system/target-process.ts';
import { runCli } from '../../../testing/run-cli.ts';

/** Above the largest pid that a kernel may give: proc(5), pid_max. */
const NO_PID = 2 ** 22;

test('a process that runs is taken; a missing one, a thread and a zombie are refused', async () => {
  requireProcess(process.pid);
  const thread = readdirSync('/proc/self/task')
    .map(Number)
    .find((tid) => tid !== process.pid);
  assert.throws(() => requireProcess(NO_PID), { code: 'FORKTAX_NO_PROCESS', message: `there is no process ${NO_PID}` });
  assert.throws(() => requireProcess(thread ?? 0), {
    message: `${thread} is a thread, not a process; its process is ${process.pid}`,
  });
  // The shell becomes a sleep, which does not wait for its child.
  const parent = spawn('sh', ['-c', 'cat <&3 & echo $!; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  });
  try {
    const [said] = (await once(parent.stdout as Readable, 'data')) as [Buffer];
    const zombie = Number(said);
    while (readFileSync(`/proc/${parent.pid}/comm`, 'utf8') !== 'sleep\n') await setTimeout(10);
    (parent.stdio[3] as Writable).end();
    for (;;) {
      try {
        requireProcess(zombie);
        await setTimeout(10);
      } catch (error) {
        assert.equal((error as Error).message, `process ${zombie} has ended`);
        break;
      }
    }
  } finally {
    parent.kill();
  }
});

test('its end is noticed', async () => {
  const child = spawn('cat', { stdio: ['pipe', 'ignore', 'inherit'] });
  const end = endOfProcess(child.pid ?? 0);
  assert.equal(end.aborted, false);
  child.stdin.end();
  // The signal keeps nothing alive.
  const alive = setInterval(() => {}, 1000);
  await once(end, 'abort');
  clearInterval(alive);
});

for (const args of [['snoop'], ['hist'], ['serve', '--web.listen-address=127.0.0.1:0']])
  test(`${args[0]}: a process that is not there is an error`, async () => {
    const { status, stdout, stderr } = await runCli(...args, '--pid', String(NO_PID));
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(stderr, new RegExp(`^forktax: there is no process ${NO_PID}\n.*\\[FORKTAX_NO_PROCESS\\]\n$`));
  });
