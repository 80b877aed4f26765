/** `forktax health` against real servers. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, test } from 'node:test';
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

test('2: an address that is none, and which part of it is wrong', async () => {
  const cases: readonly [string, RegExp][] = [
    ['http://me:secret@node7:x/', /--url: http:\/\/node7:x\/ has the port x/],
    ['node7', /--url: node7 is not an address such as http:\/\/host:port/],
    ['ftp://node7', /--url: ftp:\/\/node7 is not an address such as/],
    ['http://node7:99999/', /--url: http:\/\/node7:99999\/ has the port 99999; a port is a number from 1 to 65535/],
    ['http://u:p@node7:0', /has the port 0; a port/],
    ['http://[::1]:http', /has the port http; a port/],
  ];
  for (const [url, message] of cases) {
    const { status, stderr } = await runCli('health', '--url', url);
    assert.equal(status, 2, url);
    assert.match(stderr, message);
  }
});

test('1: a port that belongs to another protocol', async () => {
  const { status, stderr } = await runCli('health', '--url', 'http://127.0.0.1:6667');
  assert.equal(status, 1);
  assert.match(stderr, /port 6667 belongs to another protocol, so HTTP clients refuse it; let the collector listen on/);
});

describe('a server that means harm', () => {
  const ESCAPES = '\u001b]0;owned\u0007\u001b[2J';

  async function healthAt(answer: (response: ServerResponse) => void) {
    const server = createServer((_request, response) => answer(response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      return await runCli('health', '--url', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  it('does not reach the terminal', async () => {
    for (const code of [200, 503]) {
      const { status, stdout, stderr } = await healthAt((response) =>
        response.writeHead(code, { 'content-type': 'text/plain' }).end(`ready ${ESCAPES}`),
      );
      assert.equal(status, code === 200 ? 0 : 1);
      assert.doesNotMatch(stdout + stderr, /[^\n -~]/);
      assert.match(stdout + stderr, /ready \\x1b\]0;owned\\x07/);
    }
  });

  it('cannot send without end', async () => {
    const { status, stderr } = await healthAt((response) => {
      const send = (): void => {
        while (!response.destroyed && response.write('x'.repeat(1 << 16)));
      };
      response.on('drain', send);
      send();
    });
    assert.equal(status, 1);
    assert.match(stderr, /the answer is larger than 64 KiB/);
  });
});
