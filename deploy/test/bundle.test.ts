/** The collector as one file: what V8 keeps of its compilation is used, and is the same each time. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

const FLAGS = ['--max-semi-space-size=1'];
const REPEATABLE = ['--hash-seed=1', '--random-seed=1', '--no-sparkplug'];
const root = mkdtempSync(join(tmpdir(), 'forktax-bundle-'));
const folder = join(root, 'collector/bin');
after(() => rmSync(root, { recursive: true }));

const node = (...args: readonly string[]): string => execFileSync(process.execPath, args, { encoding: 'utf8' });

function makeCodeCache(): Buffer {
  node(...FLAGS, ...REPEATABLE, 'deploy/bundle/make-code-cache.cjs', folder);
  return readFileSync(join(folder, 'forktax.cjs.cache'));
}

before(() => {
  mkdirSync(folder, { recursive: true });
  mkdirSync(join(root, 'probes'));
  node('deploy/bundle/bundle.ts', folder);
  copyFileSync('deploy/bundle/main.cjs', join(folder, 'main.cjs'));
  copyFileSync('collector/package.json', join(root, 'collector/package.json'));
});

test('it runs, with V8’s code cache and without', () => {
  const without = node(...FLAGS, join(folder, 'main.cjs'), 'serve', '--help');
  makeCodeCache();
  assert.equal(node(...FLAGS, join(folder, 'main.cjs'), 'serve', '--help'), without);
  assert.match(without, /--web\.listen-address/);
});

test('V8 accepts the cache with the same flags, and rejects it with others', () => {
  makeCodeCache();
  const rejected = (...flags: readonly string[]): string =>
    node(...flags, '-p', `process.argv = ['', '', '--version']; require('${folder}/main.cjs').cachedDataRejected`);
  assert.match(rejected(...FLAGS), /^false$/m);
  assert.match(rejected(...FLAGS, '--no-opt'), /^true$/m);
});

test('the same Node.js makes the same cache', () => {
  assert.ok(makeCodeCache().equals(makeCodeCache()));
});

test('the cache says nothing of where it was made', () => {
  assert.ok(!makeCodeCache().includes(root));
});

test('the licence of each package in it is beside it', () => {
  const licenses = readFileSync(join(folder, 'THIRD-PARTY-LICENSES'), 'utf8');
  for (const name of ['fastify', 'pino', 'uplot', 'zod'])
    assert.match(licenses, new RegExp(`^${name} [0-9.]+ \\(MIT\\)$`, 'm'));
});

test('the page is where the collector looks for it', () => {
  for (const name of ['index.html', 'page.js', 'page.css']) {
    assert.ok(existsSync(join(root, 'collector/page/build', name)), name);
  }
});
