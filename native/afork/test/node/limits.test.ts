/** A process with few descriptors: as many children as Node itself can have there, and nothing is lost. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { REGISTER } from './program.ts';

const CHILDREN = 400;
const PROGRAM = `
  const { spawn } = require('node:child_process');
  const { readdirSync } = require('node:fs');
  const count = () => readdirSync('/proc/self/fd').length;
  const told = { spawned: 0, failed: 0, exits: 0, killed: 0 };
  const before = count();
  const children = [];
  for (let i = 0; i < ${CHILDREN}; i++) {
    try {
      const child = spawn('sleep', ['100'], { stdio: 'ignore' });
      child.on('error', () => told.failed++);
      child.on('spawn', () => told.spawned++);
      child.on('exit', (code, signal) => { told.exits++; told.killed += signal === 'SIGTERM'; });
      children.push(child);
    } catch { told.failed++; }
  }
  setTimeout(() => children.forEach((child) => child.kill()), 100);
  process.on('exit', () => {
    told.left = count() - before;
    console.log(JSON.stringify(told));
  });`;

async function tell(options: readonly string[]): Promise<unknown> {
  const command = 'ulimit -n 256; exec "$@"';
  const child = spawn('sh', ['-c', command, 'sh', process.execPath, ...options, '-e', PROGRAM], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(await text(child.stdout));
}

test(`${CHILDREN} children under a limit of 256 descriptors, as it is and hooked`, async () => {
  const plain = await tell([]);
  assert.deepEqual(plain, { spawned: CHILDREN, failed: 0, exits: CHILDREN, killed: CHILDREN, left: 0 });
  assert.deepEqual(await tell(['--require', REGISTER]), plain);
});
