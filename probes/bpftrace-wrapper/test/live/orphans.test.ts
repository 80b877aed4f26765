/** However the process that runs bpftrace ends, nothing of it is left. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { commandOf, descendantsOf, isGone, until } from './helpers.ts';

const PARENT = fileURLToPath(new URL('parent.ts', import.meta.url));
const TIME_LIMIT = { timeout: 120_000 };

function startParent(t: TestContext, env: NodeJS.ProcessEnv = {}): ChildProcess {
  const parent = spawn(process.execPath, [...process.execArgv, PARENT], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => parent.kill('SIGKILL'));
  return parent;
}

async function startedParent(t: TestContext, env: NodeJS.ProcessEnv = {}): Promise<number> {
  const parent = startParent(t, env);
  assert.ok(parent.stdout);
  await once(parent.stdout, 'data');
  return parent.pid ?? 0;
}

const bpftraceBelow = (pid: number): number =>
  descendantsOf(pid).find((each) => /^\S*bpftrace /.test(commandOf(each.pid)))?.pid ?? 0;

/** bpftrace and its watcher; then ends the parent. */
async function endAndWait(pid: number, signal: NodeJS.Signals): Promise<void> {
  const below = descendantsOf(pid);
  assert.equal(below.length, 2, below.map((each) => commandOf(each.pid)).join(', '));
  process.kill(pid, signal);
  await until(() => below.every(isGone));
}

test('killed while the script runs', TIME_LIMIT, async (t) => {
  await endAndWait(await startedParent(t), 'SIGKILL');
});

test('killed while bpftrace still compiles', TIME_LIMIT, async (t) => {
  const { pid = 0 } = startParent(t);
  await until(() => bpftraceBelow(pid) > 0);
  const below = descendantsOf(pid);
  process.kill(pid, 'SIGKILL');
  await until(() => below.every(isGone));
});

test('killed while bpftrace is stopped and could not even see SIGTERM', TIME_LIMIT, async (t) => {
  const pid = await startedParent(t);
  process.kill(bpftraceBelow(pid), 'SIGSTOP');
  await endAndWait(pid, 'SIGKILL');
});

test('killed while bpftrace waits for a reader', TIME_LIMIT, async (t) => {
  await endAndWait(await startedParent(t, { FLOOD: '1' }), 'SIGKILL');
});

test('ended by a signal that has a default action', TIME_LIMIT, async (t) => {
  await endAndWait(await startedParent(t), 'SIGTERM');
});

test('a worker thread that is terminated', TIME_LIMIT, async () => {
  const worker = new Worker(PARENT, { stdout: true });
  await once(worker.stdout, 'data');
  const below = descendantsOf(process.pid).filter((each) => /bpftrace /.test(commandOf(each.pid)));
  assert.ok(below.length > 0);
  await worker.terminate();
  await until(() => below.every(isGone));
});

test('when bpftrace ends, so does its watcher', TIME_LIMIT, async (t) => {
  const pid = await startedParent(t);
  const below = descendantsOf(pid);
  process.kill(bpftraceBelow(pid), 'SIGKILL');
  await until(() => below.every(isGone));
});
