/** Names from a server of debugging information, as distributions have them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { compileChain, names, unwindSpawn, Workshop } from './catch.ts';

const workshop = new Workshop();
after(() => workshop[Symbol.dispose]());

/** libdw loads it when it is loaded itself. */
const isInstalled = /\blibdebuginfod\.so\.1\b/.test(execFileSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' }));
const skip = !isInstalled && 'libdebuginfod is not installed';

test('a stripped program has the names and lines that a debuginfod has of its build id', { skip }, async () => {
  const chain = compileChain(workshop, '-g');
  execFileSync('objcopy', ['--only-keep-debug', chain, `${chain}.symbols`]);
  execFileSync('strip', [chain]);
  const without = await unwindSpawn([chain, 'fork']);
  const buildId = without.frames.find(({ module }) => module === chain)?.buildId;
  assert.match(buildId ?? '', /^[0-9a-f]{40}$/);
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    if (request.url === `/buildid/${buildId}/debuginfo`) response.end(readFileSync(`${chain}.symbols`));
    else response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  after(() => server.close());
  await once(server, 'listening');
  process.env['DEBUGINFOD_URLS'] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  process.env['DEBUGINFOD_CACHE_PATH'] = join(workshop.folder, 'cache');
  const unwound = await unwindSpawn([chain, 'fork']);
  assert.ok(asked.includes(`/buildid/${buildId}/debuginfo`), asked.join());
  const own = ['by_fork', 'spawn', 'middle', 'outer', 'main', '_start'];
  assert.deepEqual(
    names(without).filter((name) => own.includes(name)),
    ['middle'],
  );
  assert.deepEqual(
    names(unwound).filter((name) => own.includes(name)),
    own,
  );
  assert.match(unwound.frames.find(({ symbol }) => symbol === 'outer')?.file ?? '', /\/chain\.c$/);
});
