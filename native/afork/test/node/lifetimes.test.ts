/** Exits, each seen once; and what must be gone after them: zombies, descriptors, threads, objects. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type * as Afork from '../../dist/index.js';
import { REGISTER, runProgram } from './program.ts';

// The full run is 10,000 spawns from a process with 1024 MiB.
const SPAWNS = process.env['AFORK_TEST_SPAWNS'] ?? '2000';
const BUFFERS_MIB = process.env['AFORK_TEST_BUFFERS_MIB'] ?? '256';

test(`${SPAWNS} spawns, 200 in flight, ${BUFFERS_MIB} MiB of Buffers: every exit once, and nothing left`, async () => {
  const { result } = await runProgram(
    async (index) => {
      const { spawn } = process.getBuiltinModule('node:child_process');
      const { readdirSync, readFileSync } = process.getBuiltinModule('node:fs');
      const v8 = process.getBuiltinModule('node:v8') as unknown as { queryObjects(constructor: unknown): number };
      const spawns = Number(process.env['SPAWNS']);
      const held = Array.from({ length: Number(process.env['BUFFERS_MIB']) }, () => Buffer.alloc(1 << 20, 1));
      Object.assign(globalThis, { held });

      const look = (): object => ({
        descriptors: readdirSync('/proc/self/fd').length,
        threads: readdirSync('/proc/self/task').length,
        children: readdirSync('/proc/self/task').flatMap((task) =>
          readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
        ).length,
      });
      const seen = new Uint8Array(spawns);
      let wrong = 0;
      const one = (i: number): Promise<void> =>
        new Promise((resolve) => {
          const child = spawn('sh', ['-c', `exit ${i % 256}`], { stdio: i % 2 ? 'ignore' : 'pipe' });
          let exited = false;
          child.on('exit', (code) => {
            seen[i] = (seen[i] ?? 0) + 1;
            wrong += code === i % 256 ? 0 : 1;
            exited = true;
          });
          child.on('close', () => {
            wrong += exited ? 0 : 1;
            resolve();
          });
        });
      await one(0);
      const before = look();
      let next = 1;
      const lane = async (): Promise<void> => {
        while (next < spawns) await one(next++);
      };
      await Promise.all(Array.from({ length: 200 }, lane));
      await new Promise((resolve) => setTimeout(resolve, 10)); // Handles close in the loop's next turn.
      const { ChildProcess } = process.getBuiltinModule('node:child_process');
      const { spawns: counted, mechanisms, fallbacks } = (require(index) as typeof Afork).stats();
      return {
        once: seen.every((count) => count === 1),
        wrong,
        before,
        after: look(),
        objectsLeft: v8.queryObjects(ChildProcess) > 20,
        counted,
        made: (mechanisms['clone3'] ?? 0) + (mechanisms['clone'] ?? 0),
        fallbacks,
      };
    },
    { env: { SPAWNS, BUFFERS_MIB } },
  );
  assert.equal(result.once, true);
  assert.equal(result.wrong, 0);
  assert.deepEqual(result.after, result.before);
  assert.equal(result.objectsLeft, false);
  assert.equal(result.counted, Number(SPAWNS));
  assert.equal(result.made, Number(SPAWNS));
  assert.deepEqual(result.fallbacks, {});
});

test('no zombie of a child whose handle was closed, nor of one that nobody refers to', async () => {
  const { result } = await runProgram(async () => {
    const { spawn } = process.getBuiltinModule('node:child_process');
    const { existsSync } = process.getBuiltinModule('node:fs');
    const closed = spawn('sleep', ['100'], { stdio: 'ignore' });
    const unreferenced = spawn('sleep', ['100'], { stdio: 'ignore' });
    (Reflect.get(closed, '_handle') as { close: () => void }).close();
    unreferenced.unref();
    const pids = [closed.pid ?? 0, unreferenced.pid ?? 0];
    pids.forEach((pid) => process.kill(pid, 'SIGKILL'));
    while (pids.some((pid) => existsSync(`/proc/${pid}`))) await new Promise((resolve) => setTimeout(resolve, 5));
    return pids.length;
  });
  assert.equal(result, 2);
});

test('children of a worker that ended are reaped by those who live', async () => {
  const { result } = await runProgram(
    async () => {
      const { spawn } = process.getBuiltinModule('node:child_process');
      const { existsSync } = process.getBuiltinModule('node:fs');
      const events = process.getBuiltinModule('node:events');
      const { Worker } = process.getBuiltinModule('node:worker_threads');
      const program = `
        const { spawn } = require('node:child_process');
        require('node:worker_threads').parentPort.postMessage(spawn('sleep', ['100'], { stdio: 'ignore' }).pid);`;
      const worker = new Worker(program, { eval: true });
      const [pid] = await events.once(worker, 'message');
      await worker.terminate();
      const lives = existsSync(`/proc/${pid}`);
      process.kill(pid, 'SIGKILL');
      for (let tries = 0; existsSync(`/proc/${pid}`) && tries < 1000; tries++) await events.once(spawn('true'), 'exit');
      return { lives, gone: !existsSync(`/proc/${pid}`) };
    },
    { options: [], env: { NODE_OPTIONS: `--require ${REGISTER}` } },
  );
  assert.deepEqual(result, { lives: true, gone: true });
});

test('the addon outlives the workers that loaded it', async () => {
  const { result } = await runProgram(
    async () => {
      const events = process.getBuiltinModule('node:events');
      const { Worker } = process.getBuiltinModule('node:worker_threads');
      const program = `
        const { spawn, spawnSync } = require('node:child_process');
        for (let i = 0; i < 20; i++) spawn('sh', ['-c', 'exit 3'], { stdio: 'ignore' });
        spawnSync('true');
        process.exit(7);`;
      const workers = Array.from({ length: 8 }, () => new Worker(program, { eval: true }));
      return Promise.all(workers.map(async (worker) => (await events.once(worker, 'exit'))[0]));
    },
    { options: [], env: { NODE_OPTIONS: `--require ${REGISTER}` } },
  );
  assert.deepEqual(
    result,
    Array.from({ length: 8 }, () => 7),
  );
});

test('a kill never reaches another process that got the pid', async () => {
  const { result } = await runProgram(async () => {
    const { spawn } = process.getBuiltinModule('node:child_process');
    const child = spawn('true');
    const handle = Reflect.get(child, '_handle') as { kill: (signal: number) => number; pid: number };
    await new Promise((resolve) => Object.assign(handle, { onexit: resolve })); // So that nobody closes it.
    handle.pid = process.pid; // As if the number had come round.
    return [handle.kill(0), child.kill(0), child.killed];
  });
  assert.deepEqual(result, [-3, false, false]);
});

/**
 * What a child wrote and its exit are ready at one poll of the event loop. Hearing of the first, the program waits until another child has
 * written and exited too: that exit is newer than the poll, and so is what was written.
 */
test('an exit is told after what its child wrote, also where it is newer than the poll', async () => {
  const { result } = await runProgram(async () => {
    const { spawn } = process.getBuiltinModule('node:child_process');
    const { readFileSync } = process.getBuiltinModule('node:fs');
    const events = process.getBuiltinModule('node:events');
    const echo = () => spawn('sh', ['-c', 'read line; echo "$line"'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const waitUntilExited = (pid = 0): void => {
      while (!/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')));
    };
    const orders: string[] = [];
    for (let i = 0; i < 5; i++) {
      const [first, second] = [echo(), echo()];
      await Promise.all([first, second].map((child) => events.once(child, 'spawn')));
      const order: string[] = [];
      second.stdout.on('data', () => order.push('output'));
      second.on('exit', () => order.push('exit'));
      first.stdout.once('data', () => {
        second.stdin.write('.\n');
        waitUntilExited(second.pid);
      });
      setImmediate(() => {
        first.stdin.write('.\n');
        waitUntilExited(first.pid);
      });
      await events.once(second, 'close');
      orders.push(order.join(', '));
    }
    return orders;
  });
  assert.deepEqual(result, Array(5).fill('output, exit'));
});
