/** A row is named by its spawner's comm, or by the file name of its executable. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import { failuresOf, rowOf, rowsOf, settle, total, type Open } from '../../../../testing/engines.ts';
import { scaled, SPAWNLOAD, uniqueComm } from '../../../../testing/spawnload.ts';

const COMM_BYTES = 15;

/** A spawnload whose executable nobody else runs, with a name that is longer than a comm. */
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
      using engine = await open({ filter: { comm } });
      execFileSync(load.path, ['--mechanism', 'fork', '--comm', comm, '--count', '10']);
      await settle(engine);
      assert.equal(rowOf(engine, comm).spawns, 10);
      assert.equal(engine.snapshot().rows.length, 1);
    });
  });
}
