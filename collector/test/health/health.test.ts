/** `forktax health` against real servers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeEngine, FAKE_HOOKS } from '../../../testing/fake-engine.ts';
import { buildTestApp } from '../../../testing/test-app.ts';
import { runCli } from '../../../testing/run-cli.ts';

async function healthOf(options: Parameters<typeof createFakeEngine>[0]) {
  const app = buildTestApp({ engine: createFakeEngine(options) });
  try {
    return await runCli('health', '--url', await app.listen({ port: 0, host: '127.0.0.1' }));
  } finally {
    await app.close();
  }
}

test('0: it measures', async () => {
  assert.deepEqual(await healthOf({}), { status: 0, stdout: 'forktax is ready.\n', stderr: '' });
});

test('1: it does not, and why', async () => {
  const { status, stderr } = await healthOf({
    hooks: FAKE_HOOKS.map(({ name, columns }) => ({ name, columns, attached: false })),
  });
  assert.equal(status, 1);
  assert.match(
    stderr,
    /the server answers 503 Service Unavailable: forktax is not ready: no hook is attached\.\n.*FORKTAX_COLL/,
  );
});

test('1: it is not there', async () => {
  const app = buildTestApp();
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  await app.close();
  const { status, stderr } = await runCli('health', '--url', url);
  assert.equal(status, 1);
  assert.match(stderr, /^forktax: no collector measures at http:.*\/-\/ready: connect ECONNREFUSED/);
});

test('2: no address', async () => {
  assert.equal((await runCli('health', '--url', 'node7')).status, 2);
});
