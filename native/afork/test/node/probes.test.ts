/** The mechanism by the word of the kernel: what forktax's probes see of a Node program, as it is and hooked. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openEngine, rowsOf } from '../../../../testing/engines.ts';
import { uniqueComm } from '../../../../testing/spawnload.ts';
import { REGISTER, runProgram } from './program.ts';

const ASYNC_SPAWNS = 20;
const SYNC_SPAWNS = 5;

async function spawnAll(): Promise<void> {
  const { execFileSync, spawn } = process.getBuiltinModule('node:child_process');
  const events = process.getBuiltinModule('node:events');
  process.title = process.env['COMM'] ?? '';
  for (let i = 0; i < Number(process.env['ASYNC_SPAWNS']); i++) await events.once(spawn('true'), 'exit');
  for (let i = 0; i < Number(process.env['SYNC_SPAWNS']); i++) execFileSync('true');
}

async function seenByProbes(options: readonly string[]): Promise<readonly (readonly [string, number, number])[]> {
  const comm = uniqueComm();
  using engine = openEngine({ filter: { comm } });
  const env = { COMM: comm, ASYNC_SPAWNS: String(ASYNC_SPAWNS), SYNC_SPAWNS: String(SYNC_SPAWNS) };
  await runProgram(spawnAll, { options, env });
  return rowsOf(engine, comm).map(({ mechanism, spawns, copiedRss }) => [mechanism, spawns, copiedRss.sum] as const);
}

test('hooked, every spawn is an afork that copies no memory', async () => {
  const rows = await seenByProbes(['--require', REGISTER]);
  assert.deepEqual(rows, [['afork', ASYNC_SPAWNS + SYNC_SPAWNS, 0]]);
});

test('as it is, Node forks and copies its memory', async () => {
  const [row, ...others] = await seenByProbes([]);
  assert.deepEqual(others, []);
  assert.equal(row?.[1], ASYNC_SPAWNS + SYNC_SPAWNS);
  // Node's posix_spawn, once it comes, is no afork either.
  assert.notEqual(row?.[0], 'afork');
  if (row?.[0] === 'fork') assert.ok(row[2] > 0);
});
