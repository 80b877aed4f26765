/** A row is named by its spawner's comm, or by the file name of its executable. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import type { Engine } from '../../../model/engine.ts';
import { GENERIC_NAMES } from '../../../model/naming.ts';
import { sumBy } from '../../../model/rows.ts';
import { failuresOf, rowOf, rowsOf, settle, total, type Open } from '../../../../testing/engines.ts';
import { scaled, SPAWNLOAD, uniqueComm } from '../../../../testing/spawnload.ts';

const COMM_BYTES = 15;

/** Makes a spawnload whose executable nobody else runs, with a name that is longer than a comm. */
function ownSpawnload(): { readonly path: string } & Disposable {
  const directory = mkdtempSync(join(tmpdir(), 'forktax-naming-'));
  const path = join(directory, `${uniqueComm()}-and-quite-a-lot-more`);
  copyFileSync(SPAWNLOAD, path);
  return { path, [Symbol.dispose]: () => rmSync(directory, { recursive: true }) };
}

export function testNaming(title: string, open: Open): void {
  describe(title, () => {
    test('by executable: comm, filter and failures alike', async () => {
      using load = ownSpawnload();
      const name = basename(load.path).slice(0, COMM_BYTES);
      const comm = uniqueComm();
      const count = scaled(40);
      using engine = await open({ nameBy: 'exe', filter: { comm: name } });
      execFileSync(load.path, ['--mechanism', 'fork', '--comm', comm, '--count', String(count)]);
      execFileSync(load.path, ['--mechanism', 'fork', '--comm', comm, '--exec-missing', '--count', String(count)]);
      await settle(engine);
      const row = rowOf(engine, name);
      assert.deepEqual([row.spawns, total(row.stall), total(row.execDelay)], [2 * count, 2 * count, count]);
      assert.deepEqual(Object.values(failuresOf(engine, name, 'exec')), [count]);
      assert.deepEqual(rowsOf(engine, comm), []);
    });

    test('by comm, whatever the executable', async () => {
      using load = ownSpawnload();
      const comm = uniqueComm();
      using engine = await open({ nameBy: 'comm', filter: { comm } });
      execFileSync(load.path, ['--mechanism', 'fork', '--comm', comm, '--count', '10']);
      await settle(engine);
      assert.equal(rowOf(engine, comm).spawns, 10);
      assert.equal(engine.snapshot().rows.length, 1);
    });

    test('by comm, also where that is generic', async () => {
      using load = ownSpawnload();
      using engine = await open({ nameBy: 'comm', filter: { comm: 'GeckoMain' } });
      execFileSync(load.path, ['--mechanism', 'fork', '--comm', 'GeckoMain', '--count', '10']);
      await settle(engine);
      assert.deepEqual(namesOf(engine), { GeckoMain: 10 });
    });

    test('as fits: by executable where the comm is generic, and each program apart', async () => {
      using first = ownSpawnload();
      using second = ownSpawnload();
      const [name, other] = [first, second].map(({ path }) => basename(path).slice(0, COMM_BYTES)) as [string, string];
      const generic = [...GENERIC_NAMES, '7', '123456789012345'];
      const own = ['MainThread2', 'node-MainThrea', 'GeckoMai', '7a', 'a7'];
      using engine = await open();
      for (const comm of [...generic, ...own])
        execFileSync(first.path, ['--mechanism', 'fork', '--comm', comm, '--count', '3']);
      execFileSync(second.path, ['--mechanism', 'fork', '--comm', 'MainThread', '--exec-missing', '--count', '5']);
      await settle(engine);
      const counts = namesOf(engine);
      assert.equal(counts[name], 3 * generic.length);
      assert.equal(counts[other], 5);
      for (const comm of own) assert.equal(counts[comm], 3, comm);
      assert.deepEqual(Object.values(failuresOf(engine, other, 'exec')), [5]);
    });

    for (const by of ['comm', 'executable'] as const)
      test(`a filter as fits takes the ${by}'s name, and the row has the name that fits`, async () => {
        using load = ownSpawnload();
        using another = ownSpawnload();
        const name = basename(load.path).slice(0, COMM_BYTES);
        const comm = uniqueComm();
        using engine = await open({ filter: { comm: by === 'comm' ? comm : name } });
        for (const { path } of [load, another])
          execFileSync(path, ['--mechanism', 'fork', '--comm', comm, '--exec-missing', '--count', '10']);
        execFileSync(load.path, ['--mechanism', 'fork', '--comm', 'Main', '--count', '4']);
        execFileSync(load.path, ['--nproc-limit', '--comm', comm, '--count', '1']);
        await settle(engine);
        assert.deepEqual(namesOf(engine), by === 'comm' ? { [comm]: 20 } : { [comm]: 10, [name]: 4 });
        assert.deepEqual(Object.values(failuresOf(engine, comm, 'spawn')), [1]);
      });

    test('of Node.js by its executable', async () => {
      const script = `
        process.stdout.write('ready');
        process.stdin.once('data', () => require('child_process').spawn('true'));
        process.stdin.once('data', () => process.stdin.destroy());`;
      const node = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
      await once(node.stdout, 'data');
      using engine = await open({ filter: { pid: Number(node.pid) } });
      node.stdin.write('go');
      await once(node, 'close');
      await settle(engine);
      assert.deepEqual(namesOf(engine), { [basename(process.execPath)]: 1 });
    });
  });
}

/** Gives the number of spawns by name. */
function namesOf(engine: Engine): Record<string, number> {
  const sums = [...sumBy(engine.snapshot().rows, ({ comm }) => comm)];
  return Object.fromEntries(sums.map(([comm, { spawns }]) => [comm, spawns]));
}
