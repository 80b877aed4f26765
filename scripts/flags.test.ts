/** Benchmarks, and scripts that take flags: none begins to work when it is asked for help, or has a wrong flag. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { NODE_FLAGS } from '../testing/run-cli.ts';

const root = resolve(import.meta.dirname, '..');
const SCRIPTS = [
  'bench/*.ts',
  'dashboards/{generate,render/render}.ts',
  'scripts/{render-terminal,test-failing,test-outside}.ts',
];

interface Ended {
  readonly status: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

const run = (file: string, flag: string): Promise<Ended> =>
  new Promise((done) => {
    const options = { cwd: root, timeout: 60_000 };
    execFile(process.execPath, [...NODE_FLAGS, file, flag], options, (error, stdout, stderr) =>
      done({ status: error ? (error.code ?? null) : 0, stdout, stderr }),
    );
  });

for (const file of globSync(SCRIPTS, { cwd: root }).toSorted()) {
  test(`${file} answers --help and a wrong flag in words`, async () => {
    const [help, wrong] = await Promise.all([run(file, '--help'), run(file, '--wrong')]);
    assert.match(help.stdout, /^Usage: npm run \S+/);
    assert.deepEqual([help.status, help.stderr], [0, '']);
    assert.equal(wrong.stderr, "Unknown option '--wrong'; --help tells more\n");
    assert.deepEqual([wrong.status, wrong.stdout], [2, '']);
  });
}
