/** How afork comes into a program, what it says of itself, and when it keeps out. */

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type * as Afork from '../../dist/index.js';
import { REGISTER, runProgram } from './program.ts';

const PACKAGE = dirname(REGISTER);
const isMade = (mechanisms: Readonly<Record<string, number>>): number =>
  (mechanisms['clone3'] ?? 0) + (mechanisms['clone'] ?? 0);

/** One child each way, and what afork counted. */
function spawnTwice(index: string): Promise<Afork.Stats> {
  const { execFile, execFileSync } = process.getBuiltinModule('node:child_process');
  execFileSync('true');
  return new Promise((resolve) => execFile('true', () => resolve((require(index) as typeof Afork).stats())));
}

for (const [name, options, env] of [
  ['--require', ['--require', REGISTER], {}],
  ['--import', ['--import', REGISTER], {}],
  ['both', ['--require', REGISTER, '--import', REGISTER], {}],
  ['NODE_OPTIONS', [], { NODE_OPTIONS: `--require ${REGISTER}` }],
] as const) {
  test(`registered by ${name}`, async () => {
    const { result, errors } = await runProgram(spawnTwice, { options, env });
    assert.deepEqual(result.hooked, { spawn: true, spawnSync: true, mode: 'strict', wait: 'auto' });
    assert.deepEqual([result.spawns, result.syncSpawns, result.waits], [1, 1, 0]);
    assert.equal(isMade(result.mechanisms), 2);
    assert.deepEqual(result.fallbacks, {});
    assert.equal(errors, '');
  });
}

test('workers and child processes have it by NODE_OPTIONS', async () => {
  const { result } = await runProgram(
    async (index) => {
      const { execFileSync } = process.getBuiltinModule('node:child_process');
      const { Worker } = process.getBuiltinModule('node:worker_threads');
      const program = (say: string): string => `
        const { spawnSync, spawn } = require('node:child_process');
        spawnSync('true');
        spawn('true').on('exit', () => {
          const { spawns, syncSpawns } = require(${JSON.stringify(index)}).stats();
          ${say}([spawns, syncSpawns]);
        });`;
      const worker = new Worker(program('require("node:worker_threads").parentPort.postMessage'), { eval: true });
      const [ofWorker] = await process.getBuiltinModule('node:events').once(worker, 'message');
      const ofChild = execFileSync(process.execPath, ['-e', program('console.log')], { encoding: 'utf8' });
      return { ofWorker, ofChild: ofChild.trim() };
    },
    { options: [], env: { NODE_OPTIONS: `--require ${REGISTER}` } },
  );
  assert.deepEqual(result, { ofWorker: [1, 1], ofChild: '[ 1, 1 ]' });
});

test('what is imported patches nothing', async () => {
  const { result } = await runProgram(
    async (index) => {
      const cp = process.getBuiltinModule('node:child_process');
      const events = process.getBuiltinModule('node:events');
      const spawnOf = (): unknown => Reflect.get(Reflect.get(new cp.ChildProcess(), '_handle') as object, 'spawn');
      const before = spawnOf();
      const afork = require(index) as typeof Afork;
      await events.once(afork.spawn('true'), 'exit');
      await events.once(cp.spawn('true'), 'exit');
      const { stdout } = await process.getBuiltinModule('node:util').promisify(afork.exec)('echo promised');
      return { same: spawnOf() === before, stdout, stats: afork.stats() };
    },
    { options: [] },
  );
  assert.equal(result.same, true);
  assert.equal(result.stdout, 'promised\n');
  assert.equal(result.stats.spawns, 2);
  assert.deepEqual(result.stats.hooked, { spawn: false, spawnSync: false });
});

test('a mode that does not exist is strict, with a warning', async () => {
  const { result, errors } = await runProgram(spawnTwice, { env: { AFORK_MODE: 'fast' } });
  assert.equal(result.hooked.mode, 'strict');
  assert.match(errors, /AFORK_MODE is 'fast', not strict or async/);
});

test("an operator's mechanism is used, and reported", async () => {
  const { result } = await runProgram(spawnTwice, { env: { AFORK_MECHANISM: 'vfork' } });
  assert.deepEqual(result.mechanisms, { vfork: 2 });
});

test('a Node of another shape is left alone whole, with one warning', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'afork-'));
  const preload = join(folder, 'shape.cjs');
  // What a future Node might do: pass its handle something else.
  writeFileSync(
    preload,
    `const { ChildProcess } = require('node:child_process');
     const { spawn } = ChildProcess.prototype;
     ChildProcess.prototype.spawn = function (options) {
       const isWatched = Object.hasOwn(this._handle, 'spawn');
       return isWatched ? this._handle.spawn({ everything: options }) : spawn.call(this, options);
     };`,
  );
  const { result, errors } = await runProgram(spawnTwice, { options: ['--require', preload, '--require', REGISTER] });
  rmSync(folder, { recursive: true });
  assert.deepEqual(result.hooked, { spawn: false, spawnSync: false });
  assert.deepEqual([result.spawns, result.syncSpawns], [0, 0]);
  assert.equal(errors.match(/AFORK_UNAVAILABLE/g)?.length, 1);
  assert.match(errors, /this Node\.js \(v[\d.]+\) is not known to it/);
});

test('without its addon it says so, and child_process works', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'afork-'));
  for (const name of ['addon.cjs', 'register.cjs', 'sites.cjs', 'package.json', 'dist']) {
    cpSync(join(PACKAGE, name), join(folder, name), { recursive: true });
  }
  const { result, errors } = await runProgram(
    () => String(process.getBuiltinModule('node:child_process').execFileSync('echo', ['works'])),
    { options: ['--require', join(folder, 'register.cjs')] },
  );
  rmSync(folder, { recursive: true });
  assert.equal(result, 'works\n');
  assert.match(errors, /afork leaves child_process as it is: afork has no addon for linux/);
});

test('of two copies the first one hooks', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'afork-'));
  for (const name of ['addon.cjs', 'register.cjs', 'sites.cjs', 'package.json', 'dist', 'build/afork.node']) {
    cpSync(join(PACKAGE, name), join(folder, name), { recursive: true });
  }
  const options = ['--require', REGISTER, '--require', join(folder, 'register.cjs')];
  const { result, errors } = await runProgram(spawnTwice, { options });
  rmSync(folder, { recursive: true });
  assert.deepEqual([result.spawns, result.syncSpawns, errors], [1, 1, '']);
});

test('what the permission model forbids stays forbidden', async () => {
  const { result } = await runProgram(
    (index) => {
      try {
        process.getBuiltinModule('node:child_process').spawn('true');
        return {};
      } catch (error) {
        return {
          code: (error as NodeJS.ErrnoException).code,
          fallbacks: (require(index) as typeof Afork).stats().fallbacks,
        };
      }
    },
    { options: ['--permission', '--allow-addons', '--allow-fs-read=*', '--require', REGISTER] },
  );
  assert.deepEqual(result, { code: 'ERR_ACCESS_DENIED', fallbacks: { permission: 1 } });
});

for (const option of ['--no-deprecation', '--pending-deprecation', '--throw-deprecation']) {
  test(`quiet with ${option}`, async () => {
    const { result, errors } = await runProgram(spawnTwice, { options: [option, '--require', REGISTER] });
    assert.deepEqual([result.spawns, result.syncSpawns, errors], [1, 1, '']);
  });
}
