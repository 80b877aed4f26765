/** `forktax advise` on live spawners. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { FORKTAX, runPlain } from '../../relaunch/run.ts';
import { joinWords } from '../../../terminal/words.ts';
import { Terminal } from '../../relaunch/terminal.ts';
import { temporaryDirectory } from '../../relaunch/temporary.ts';
import { SPAWNLOAD, uniqueComm } from '../../../../testing/spawnload.ts';

interface Spawner {
  readonly comm: string;
  readonly pid?: number;
  readonly spawns: number;
  readonly avoidable_ns: number;
  readonly processes?: number;
  readonly executable?: string;
  readonly why: string;
  readonly via?: string;
  readonly remedy: string;
}

test('who stands still without need is named, and what to do', async () => {
  const script = `
    globalThis.kept = Buffer.alloc(64 << 20, 1);
    const { spawn } = require('node:child_process');
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
    assert.equal(advised?.comm, basename(process.execPath));
    assert.ok(advised && advised.spawns > 3, JSON.stringify(said.spawners));
    assert.deepEqual([advised.via, advised.remedy], ['node', `forktax relaunch --pid ${app.pid}`]);
    assert.ok(advised.avoidable_ns > said.afork_cost_ns);
  } finally {
    app.kill();
    load.kill();
  }
});

test('programs of one name are apart; so are processes, by pid; what ended at once is known by its exec', async () => {
  using directory = temporaryDirectory();
  const comm = uniqueComm();
  const copies = ['first', 'second'].map((name) => {
    copyFileSync(SPAWNLOAD, `${directory.path}/${name}`);
    return `${directory.path}/${name}`;
  });
  const start = ([path = '', count = '']: string[]) =>
    spawn(path, ['--mechanism', 'fork', '--rss', '8388608', '--comm', comm, '--count', count, '--rate', '10'], {
      stdio: 'ignore',
    });
  const [first = '', second = ''] = copies;
  const loads = [start([first, '1000']), start([first, '1000']), start([second, '1000'])];
  // This shell starts another one that ends before it can be examined.
  const shell = spawn('sh', ['-c', `while sleep 0.2; do ${directory.path}/gone; done`], { stdio: 'ignore' });
  directory.write('gone', '#!/bin/bash\n/bin/true | /bin/true\n');
  const spawners = async (...flags: string[]): Promise<readonly Spawner[]> => {
    const { stdout } = await runPlain([...FORKTAX, 'advise', '-d', '4s', '--json', ...flags]);
    return (JSON.parse(String(stdout)) as { spawners: readonly Spawner[] }).spawners;
  };
  try {
    const programs = await spawners();
    const own = programs.filter((spawner) => spawner.comm === comm);
    assert.deepEqual(own.map(({ executable, processes }) => [executable, processes]).toSorted(), [
      [realpathSync(first), 2],
      [realpathSync(second), 1],
    ]);
    const bash = programs.find(({ executable }) => executable === realpathSync('/bin/bash'));
    assert.match(bash?.why ?? '', /^a shell: /);
    assert.doesNotMatch(bash?.remedy ?? '', /forktax relaunch/);
    const pids = (await spawners('--by', 'pid')).filter((spawner) => spawner.comm === comm).map(({ pid }) => pid);
    assert.deepEqual(pids.toSorted(), loads.map(({ pid }) => pid).toSorted());
  } finally {
    for (const each of [...loads, shell]) each.kill();
  }
});

test('a terminal shows how much time has passed, and keeps nothing of that', async () => {
  await using terminal = await Terminal.open();
  const said = await terminal.command(joinWords([...FORKTAX, 'advise', '-d', '3s']));
  const cleared = said.split('\r\x1b[K');
  // On a busy machine a second may be left out.
  assert.ok(
    cleared.some((each) => /^Observing process spawns: [123]\.00s of 3\.00s$/.test(each)),
    said,
  );
  assert.match(cleared.at(-1) ?? '', /^afork costs /);
});

test('usage', async () => {
  const { status, stderr } = await runPlain([...FORKTAX, 'advise', '--url', 'http://127.0.0.1:1', '-d', '1s']);
  assert.deepEqual([status, /--url and --duration exclude each other/.test(stderr)], [2, true]);
});
