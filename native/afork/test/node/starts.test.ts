/** When a child has executed: the event 'spawn', `started()`, and `AFORK_WAIT`. The exec waits where the test wants it to. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type * as Afork from '../../dist/index.js';
import { runProgram } from './program.ts';

const LEASE = fileURLToPath(new URL('../../build/test/lease', import.meta.url));

/** The exec waits until a lease on the program ends, or fails because somebody has the program open for writing. */
async function spawnHeldUp(index: string): Promise<unknown> {
  const { spawn } = process.getBuiltinModule('node:child_process');
  const { copyFileSync, mkdtempSync, openSync, rmSync } = process.getBuiltinModule('node:fs');
  const events = process.getBuiltinModule('node:events');
  const { started } = require(index) as typeof Afork;
  const folder = mkdtempSync('/tmp/afork-');
  const path = `${folder}/program`;
  const lease = process.env['LEASE'];
  copyFileSync('/bin/true', path);
  const holder = lease ? spawn(lease, [path], { stdio: ['pipe', 'pipe', 'inherit'] }) : undefined;
  if (holder) await events.once(holder.stdout, 'data');
  else openSync(path, 'r+');
  const order: string[] = [];
  const child = spawn(path, { stdio: 'ignore' });
  order.push(typeof child.pid);
  child.on('spawn', () => order.push('spawn'));
  child.on('error', ({ message }) => order.push(message.split(' ').at(-1) ?? ''));
  child.on('exit', () => order.push('exit'));
  const promise = started(child).then(
    () => order.push('started'),
    ({ code, syscall }) => order.push(`rejected ${code} ${String(syscall).split(' ')[0]}`),
  );
  if (holder) {
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    order.push('let go');
    holder.stdin.end();
  }
  await Promise.all([promise, new Promise((resolve) => child.on('close', resolve))]);
  rmSync(folder, { recursive: true });
  return { order, own: Object.hasOwn(child, 'emit') };
}

test("'spawn' and started() come after the exec, and before the exit", async () => {
  const { result } = await runProgram(spawnHeldUp, { env: { LEASE } });
  assert.deepEqual(result, { order: ['number', 'let go', 'spawn', 'started', 'exit'], own: false });
});

test("an exec that fails has no 'spawn', and started() rejects", async () => {
  const { result } = await runProgram(spawnHeldUp);
  assert.deepEqual(result, { order: ['number', 'ETXTBSY', 'rejected ETXTBSY spawn'], own: false });
});

test('started() of children whose fate is known', async () => {
  const { result } = await runProgram(async (index) => {
    const { spawn } = process.getBuiltinModule('node:child_process');
    const events = process.getBuiltinModule('node:events');
    const afork = require(index) as typeof Afork;
    const tell = (child: ReturnType<typeof spawn>): Promise<string> =>
      afork.started(child).then(
        () => 'started',
        ({ message }: Error) => message,
      );
    const missing = spawn('no-such-program');
    missing.on('error', () => {});
    const done = spawn('true', { stdio: 'ignore' });
    await events.once(done, 'close');
    const own = spawn('true', { uid: process.getuid?.() ?? 0 });
    return [await tell(missing), await tell(done), await tell(own)];
  });
  assert.deepEqual(result, ['spawn no-such-program ENOENT', 'started', 'started']);
});

for (const [wait, late] of [
  ['auto', true],
  ['none', true],
  ['exec', false],
] as const) {
  test(`AFORK_WAIT=${wait}: a missing interpreter is an error ${late ? 'after the pid' : 'at once'}`, async () => {
    const { result } = await runProgram(
      (index) => {
        const { spawn } = process.getBuiltinModule('node:child_process');
        const { mkdtempSync, rmSync, writeFileSync } = process.getBuiltinModule('node:fs');
        const folder = mkdtempSync('/tmp/afork-');
        writeFileSync(`${folder}/script`, '#!/no/such/interpreter\n', { mode: 0o755 });
        const child = spawn(`${folder}/script`);
        const { hooked, waits } = (require(index) as typeof Afork).stats();
        return new Promise((resolve) => {
          const hasPid = child.pid !== undefined;
          child.on('error', ({ message }) => {
            rmSync(folder, { recursive: true });
            resolve([hasPid, message.split(' ').at(-1), hooked.wait, waits]);
          });
        });
      },
      { env: { AFORK_WAIT: wait } },
    );
    assert.deepEqual(result, [late, 'ENOENT', wait, late ? 0 : 1]);
  });
}

test('a setting of AFORK_WAIT that does not exist is auto, with a warning', async () => {
  const { result, errors } = await runProgram((index) => (require(index) as typeof Afork).stats().hooked.wait, {
    env: { AFORK_WAIT: 'soon' },
  });
  assert.equal(result, 'auto');
  assert.match(errors, /AFORK_WAIT is 'soon', not auto or exec or none: taken as auto/);
});

test('kill() right after a spawn that failed signals nobody', async () => {
  const { result } = await runProgram(() => {
    const { spawn } = process.getBuiltinModule('node:child_process');
    const child = spawn('no-such-program');
    const other = spawn('no-such-program', { uid: process.getuid?.() ?? 0 });
    child.on('error', () => {});
    other.on('error', () => {});
    let signals = 0;
    process.on('SIGUSR2', () => signals++);
    const killed = [child.kill('SIGUSR2'), other.kill('SIGUSR2')];
    return new Promise((resolve) => setTimeout(() => resolve([killed, signals]), 20));
  });
  assert.deepEqual(result, [[false, false], 0]);
});
