/** `forktax advise` on live spawners. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { FORKTAX, runPlain } from '../../relaunch/run.ts';
import { SPAWNLOAD, uniqueComm } from '../../../../testing/spawnload.ts';

interface Spawner {
  readonly comm: string;
  readonly pid?: number;
  readonly spawns: number;
  readonly avoidable_ns: number;
  readonly via?: string;
  readonly remedy: string;
}

test('who stands still without need is named, and what to do', async () => {
  const script = `
    globalThis.kept = Buffer.alloc(64 << 20, 1);
    const { spawn } = require('node:child_process');
    process.title = 'advised';
    (function next() { spawn('true').on('exit', () => setTimeout(next, 20)); })();`;
  const app = spawn(process.execPath, ['-e', script], { stdio: 'ignore' });
  const comm = uniqueComm();
  const load = spawn(SPAWNLOAD, ['--mechanism', 'afork', '--comm', comm, '--count', '50', '--rate', '20'], {
    stdio: 'ignore',
  });
  try {
    const { status, stdout } = await runPlain([...FORKTAX, 'advise', '-d', '3s', '--json']);
    assert.equal(status, 0);
    const said = JSON.parse(String(stdout)) as { afork_cost_ns: number; spawners: readonly Spawner[] };
    assert.ok(said.afork_cost_ns > 0);
    const ranks = said.spawners.map(({ avoidable_ns }) => avoidable_ns);
    assert.deepEqual(
      ranks,
      ranks.toSorted((a, b) => b - a),
    );
    const advised = said.spawners.find(({ pid }) => pid === app.pid);
    assert.ok(advised && advised.spawns > 3, JSON.stringify(said.spawners));
    assert.deepEqual([advised.via, advised.remedy], ['node', `forktax relaunch --pid ${app.pid}`]);
    assert.ok(advised.avoidable_ns > said.afork_cost_ns);
  } finally {
    app.kill();
    load.kill();
  }
});

test('usage', async () => {
  const { status, stderr } = await runPlain([...FORKTAX, 'advise', '--url', 'http://127.0.0.1:1', '-d', '1s']);
  assert.deepEqual([status, /--url and --duration exclude each other/.test(stderr)], [2, true]);
});
