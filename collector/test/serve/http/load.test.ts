/** Clients that ask too much, on real sockets: what it costs is counted in readings of the tables, not in seconds. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { METRIC_GROUPS } from '../../../model/metric-groups.ts';
import { OPEN_WEB_CONFIG } from '../../../serve/config/web.ts';
import type { AppOptions } from '../../../serve/http/app.ts';
import { createConnections } from '../../../serve/http/connections.ts';
import { listen } from '../../../serve/http/listen.ts';
import { createRefusalCounts } from '../../../serve/metrics/refusals.ts';
import { createFakeEngine, fakeRow } from '../../../../testing/fake-engine.ts';
import { buildTestApp } from '../../../../testing/test-app.ts';

const ROWS = Array.from({ length: 1_024 }, (_, i) => fakeRow({ comm: `program-${i}` }));
/** Larger than what the kernel holds for a client that does not read. */
const LARGE_PAGES = { metricGroups: METRIC_GROUPS };
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function start(options: Partial<AppOptions> = {}) {
  const engine = createFakeEngine({ rows: ROWS });
  const counts = { readings: 0 };
  engine.snapshot = () => {
    counts.readings++;
    return engine.next;
  };
  const refusals = createRefusalCounts();
  const app = buildTestApp({ engine, refusals, ...options });
  const listening = await listen(app, ['127.0.0.1:0'], () => OPEN_WEB_CONFIG, refusals);
  closers.push(() => listening.close());
  const port = Number(listening.addresses[0]?.split(':')[1]);
  return { port, url: `http://127.0.0.1:${port}`, counts, refusals };
}

function open(port: number, localAddress = '127.0.0.1'): Socket {
  const socket = connect({ port, host: '127.0.0.1', localAddress }).on('error', () => {});
  closers.push(() => socket.destroy());
  return socket;
}

async function textOf(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('latin1');
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;

describe('a collector under load', () => {
  for (const path of ['/metrics', '/api/v1/costs', '/-/ready', '/']) {
    it(`answers few of 2,000 pipelined requests for ${path}, and says why`, async () => {
      const { port, url, counts, refusals } = await start();
      const socket = open(port);
      socket.write(get(path).repeat(2_000));
      const text = await textOf(socket);
      assert.equal(text.match(/HTTP\/1\.1 200 /g)?.length, 4);
      assert.match(text, /HTTP\/1\.1 503 .*\r\n(.+\r\n)*\r\n.*\r\n?More than 4 requests at a time on one connection\./);
      assert.ok(counts.readings <= 1, `${counts.readings} readings`);
      assert.ok(refusals.pipelined > 0);
      assert.equal((await fetch(`${url}/metrics`)).status, 200);
    });
  }

  it('serves 200 scrapes at once from few readings', async () => {
    const { url, counts } = await start({ turns: { patienceMs: 1e9 } });
    const answers = await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const headers = { 'accept-encoding': i % 2 ? 'gzip' : 'identity' };
        const answer = await fetch(`${url}/api/v1/costs`, { headers });
        return `${answer.status} ${(await answer.text()).length}`;
      }),
    );
    assert.equal(new Set(answers).size, 1);
    assert.match(answers[0] ?? '', /^200 \d{6}/);
    // Connections are made over a while, on a busy machine over seconds, so that not all ask before the first reading begins.
    assert.ok(counts.readings < 100, `${counts.readings} readings`);
  });

  it('sends the same text in each encoding', async () => {
    const { port } = await start();
    const socket = open(port);
    const ask = (encoding: string, rest: string) =>
      `GET /api/v1/costs HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: ${encoding}\r\n${rest}\r\n`;
    socket.write(ask('identity', '') + ask('gzip', 'Connection: close\r\n'));
    const [plain = '', packed = ''] = (await textOf(socket)).split('HTTP/1.1 200 OK\r\n').slice(1).map(bodyOf);
    assert.ok(plain.length > 500_000);
    assert.equal(gunzipSync(Buffer.from(packed, 'latin1')).toString('latin1'), plain);
  });

  it('is not locked by clients that do not read: they take their own turns', async () => {
    const { port, url } = await start({ maxRequests: 4 });
    for (let i = 0; i < 8; i++) {
      const socket = open(port, '127.0.0.2').pause();
      socket.write(get('/metrics'));
      await once(socket, 'connect');
    }
    for (let i = 0; i < 4; i++) {
      const answer = await fetch(`${url}/metrics`);
      assert.equal(answer.status, 200);
      assert.match(await answer.text(), /forktax_up 1/);
    }
  });

  it('cuts off those who do not read, and counts them', async () => {
    const { port, url, refusals } = await start({ ...LARGE_PAGES, maxRequests: 1, turns: { stallMsUnderLoad: 1 } });
    const socket = open(port).pause();
    socket.write(get('/metrics').repeat(4));
    await once(socket, 'connect');
    const answer = await fetch(`${url}/metrics`);
    assert.equal(answer.status, 200);
    await answer.text();
    assert.ok(refusals.stalled > 0);
  });

  it('tells those for whom there is no turn', async () => {
    const turns = { patienceMs: 1, stallMsUnderLoad: 1e9 };
    const { port, url, refusals } = await start({ ...LARGE_PAGES, maxRequests: 1, turns });
    const socket = open(port).pause();
    socket.write(get('/metrics').repeat(4));
    await once(socket, 'connect');
    const answer = await fetch(`${url}/metrics`);
    assert.equal(answer.status, 503);
    assert.match(await answer.text(), /Too many ask at a time \(--web\.max-requests\)/);
    assert.ok(refusals.busy > 0);
  });
});

describe('connections', () => {
  it('beyond the limit end the one of that address that has been unused longest', async () => {
    const refusals = createRefusalCounts();
    const connections = createConnections(refusals, { most: 4, mostOfAddress: 2, mostPipelined: 8 });
    const server = createServer(connections.limit((_request, response) => response.end('hello')));
    connections.watch(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => server.close());
    const { port } = server.address() as AddressInfo;

    const [used, idle] = [open(port), open(port)];
    await once(idle, 'connect');
    used.write(get('/'));
    await once(used, 'data');
    const other = open(port, '127.0.0.2');
    await once(other, 'connect');
    const newest = open(port);
    await once(idle, 'close');
    newest.write(get('/'));
    await once(newest, 'data');
    assert.deepEqual([used.closed, other.closed, newest.closed], [false, false, false]);
    assert.equal(refusals.connections, 1);
  });
});

function bodyOf(answer: string): string {
  const [, ...rest] = answer.split('\r\n\r\n');
  let chunked = rest.join('\r\n\r\n');
  let body = '';
  for (;;) {
    const end = chunked.indexOf('\r\n');
    const size = Number.parseInt(chunked.slice(0, end), 16);
    if (!size) return body;
    body += chunked.slice(end + 2, end + 2 + size);
    chunked = chunked.slice(end + 2 + size + 2);
  }
}
