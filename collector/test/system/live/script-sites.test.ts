/** Every spawn of a Node.js program that the kernel sees has the line of JavaScript that made it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findNodes } from '../../../../testing/nodes.ts';
import { openEngine } from '../../../../testing/engines.ts';
import type { EngineEvent } from '../../../model/events.ts';
import type { Frame } from '../../../model/frames.ts';
import { ScriptSites } from '../../../system/script-sites.ts';

const folder = mkdtempSync(join(tmpdir(), 'forktax-script-sites-'));
after(() => rmSync(folder, { recursive: true }));

/** Each function that spawns has its own line, so that its name and the line say the same. */
const PROGRAM = `
const cp = require('node:child_process');
const cluster = require('node:cluster');
const { once } = require('node:events');
const { Worker, isMainThread } = require('node:worker_threads');
const quiet = { stdio: 'ignore' };
class Builder { build() { return cp.spawn('true'); } }
function bySpawn() { return cp.spawn('true', quiet); }
function byExec() { return cp.exec('true'); }
function byExecFile() { return cp.execFile('true'); }
function byFork() { return cp.fork(__filename, ['child']); }
function bySpawnSync() { return cp.spawnSync('true'); }
function byExecSync() { return cp.execSync('true'); }
function byExecFileSync() { return cp.execFileSync('true'); }
function byFailedSpawn() { return cp.spawn('/no/such').on('error', () => {}); }
function byFailedSpawnSync() { return cp.spawnSync('/no/such'); }
function byCluster() { cluster.setupPrimary({ exec: __filename, args: ['child'] }); return cluster.fork(); }
const byTimer = () => cp.spawn('true', quiet).on('exit', () => {});
async function awaited() { await null; return byInner(); }
function byInner() { return cp.spawn('true', quiet); }
async function main() {
  for (const start of [bySpawn, byExec, byExecFile, byFork, byFailedSpawn]) await once(start(), 'close').catch(() => {});
  await once(new Builder().build(), 'exit');
  for (const start of [bySpawnSync, byExecSync, byExecFileSync, byFailedSpawnSync]) start();
  await once(byCluster(), 'exit');
  await once(await awaited(), 'exit');
  setTimeout(byTimer, 1);
  const worker = new Worker("const byWorker = () => require('node:child_process').spawnSync('true'); byWorker();", { eval: true });
  await once(worker, 'exit');
}
if (process.argv[2] === 'child') process.exit();
else void main();
`;
const program = join(folder, 'program.cjs');
writeFileSync(program, PROGRAM);
const lineOf = (name: string): number =>
  PROGRAM.split('\n').findIndex(
    (line) => line.includes(`function ${name}(`) || line.includes(`{ ${name}(`) || line.includes(`const ${name} =`),
  ) + 1;

const NAMES = (
  'bySpawn byExec byExecFile byFork byFailedSpawn bySpawnSync byExecSync byExecFileSync byFailedSpawnSync ' +
  'byCluster Timeout.byTimer byInner byWorker Builder.build'
).split(' ');

/** The spawns of a program and its own threads, each with its frames. */
async function sitesOf(node: string, modules: readonly string[]): Promise<(readonly Frame[] | undefined)[]> {
  const engine = openEngine();
  const sites = ScriptSites.open('command');
  const events: EngineEvent[] = [];
  try {
    const stop = engine.subscribe((each) => events.push(...each));
    const options = modules.map((name) => `--require ${name}`).join(' ');
    const running = promisify(execFile)(node, [program], {
      env: { ...process.env, ...sites.variables({ NODE_OPTIONS: options }) },
    });
    const { pid } = running.child;
    const { stdout, stderr } = await running;
    assert.deepEqual([stdout, stderr], ['', '']);
    await pause(60); // the engine reads its ring every 50 ms
    stop();
    sites.drain();
    assert.deepEqual([sites.lost, sites.malformed], [0, 0]);
    return events.flatMap((event) => (event.kind === 'spawn' && event.pid === pid ? [sites.take(event)] : []));
  } finally {
    engine.close();
    sites.close();
  }
}

const register = new URL('../../../../native/afork/register.cjs', import.meta.url).pathname;
for (const { version, path, missing } of findNodes())
  describe(`Node.js ${version}`, { skip: missing ?? false }, () => {
    for (const modules of [[], [register]])
      test(`the line of each spawn${modules.length > 0 ? ', under afork' : ''}`, async () => {
        const stacks = await sitesOf(path ?? '', modules);
        // afork looks for the program first, and then starts no process.
        const expected = modules.length > 0 ? NAMES.filter((name) => name !== 'byFailedSpawn') : NAMES;
        assert.deepEqual(stacks.map((frames) => frames?.[0]?.symbol).toSorted(), expected.toSorted());
        for (const frames of stacks) {
          const [first] = frames ?? [];
          assert.ok(frames?.every(({ file }) => file !== undefined && !file.startsWith('node:')));
          if (first?.symbol === 'byWorker') continue;
          assert.equal(first?.file, program);
          assert.equal(first.line, lineOf(first.symbol?.split('.').at(-1) ?? ''), first.symbol);
        }
        const inner = stacks.find((frames) => frames?.[0]?.symbol === 'byInner');
        assert.deepEqual(
          inner?.map(({ symbol }) => symbol),
          ['byInner', 'awaited', 'async main'],
        );
      });
  });
