/** A process with few descriptors: as many children as Node itself can have there, and nothing is lost. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type * as Afork from '../../dist/index.js';
import { REGISTER, runProgram } from './program.ts';

const CHILDREN = 400;
const FEW_DESCRIPTORS = ['-c', 'ulimit -n 256; exec "$@"', 'sh', process.execPath];
/** Eight doorbells at its spawn, its exit, and once more for the pidfd of a child that SIGCHLD has told of already. */
const LOOKS_A_CHILD = 10;
/** Few enough that none of them has to do without a pidfd, which would wait for its exec. */
const HELD_UP = 25;
const LEASE = fileURLToPath(new URL('../../build/test/lease', import.meta.url));
const PROGRAM = `
  const { spawn } = require('node:child_process');
  const { readdirSync } = require('node:fs');
  const count = () => readdirSync('/proc/self/fd').length;
  const told = { spawned: 0, failed: 0, exits: 0, killed: 0 };
  const before = count();
  const children = [];
  const killAll = () => {
    if (told.spawned + told.failed === ${CHILDREN}) children.forEach((child) => child.kill());
  };
  for (let i = 0; i < ${CHILDREN}; i++) {
    try {
      const child = spawn('sleep', ['100'], { stdio: 'ignore' });
      child.on('error', () => { told.failed++; killAll(); });
      child.on('spawn', () => { told.spawned++; killAll(); });
      child.on('exit', (code, signal) => { told.exits++; told.killed += signal === 'SIGTERM'; });
      children.push(child);
    } catch { told.failed++; }
  }
  process.on('exit', () => {
    told.left = count() - before;
    console.log(JSON.stringify(told));
  });`;

async function tell(options: readonly string[]): Promise<unknown> {
  const child = spawn('sh', [...FEW_DESCRIPTORS, ...options, '-e', PROGRAM], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [told] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return JSON.parse(told);
}

test(`${CHILDREN} children under a limit of 256 descriptors, as it is and hooked`, async () => {
  const plain = await tell([]);
  assert.deepEqual(plain, { spawned: CHILDREN, failed: 0, exits: CHILDREN, killed: CHILDREN, left: 0 });
  assert.deepEqual(await tell(['--require', REGISTER]), plain);
});

/**
 * Not as many as there are others: it was 60,000 looks for 400 children that exit one by one, and each spawn looked at
 * all that had not executed. A lease keeps the first ones from that.
 */
test('each of these children is looked at a few times', async () => {
  const { result } = await runProgram(
    async (index) => {
      const childProcess = process.getBuiltinModule('node:child_process');
      const events = process.getBuiltinModule('node:events');
      const { copyFileSync, mkdtempSync, rmSync } = process.getBuiltinModule('node:fs');
      const folder = mkdtempSync('/tmp/afork-');
      const program = `${folder}/sleep`;
      copyFileSync('/bin/sleep', program);
      const holder = childProcess.spawn(String(process.env['LEASE']), [program], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      await events.once(holder.stdout, 'data');
      const children = Array.from({ length: Number(process.env['CHILDREN']) }, (_, i) =>
        childProcess.spawn(i < Number(process.env['HELD_UP']) ? program : 'sleep', ['100'], { stdio: 'ignore' }),
      );
      holder.stdin.end();
      for (const child of children) {
        child.kill();
        await events.once(child, 'exit');
      }
      rmSync(folder, { recursive: true });
      return (require(index) as typeof Afork).stats();
    },
    {
      node: 'sh',
      options: [...FEW_DESCRIPTORS, '--require', REGISTER],
      env: { CHILDREN: String(CHILDREN), HELD_UP: String(HELD_UP), LEASE },
    },
  );
  assert.equal(result.spawns, CHILDREN + 1);
  assert.ok(result.waits > 0, 'some have no pidfd');
  const most = CHILDREN * LOOKS_A_CHILD;
  assert.ok(result.looks >= CHILDREN && result.looks <= most, `${result.looks} looks, not ${CHILDREN} to ${most}`);
});
