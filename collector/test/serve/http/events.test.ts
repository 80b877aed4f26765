import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { after, describe, it } from 'node:test';
import { OPEN_WEB_CONFIG } from '../../../serve/config/web.ts';
import type { EventHubOptions } from '../../../serve/http/event-hub.ts';
import { listen, type Listening } from '../../../serve/http/listen.ts';
import { createFakeEngine, fakeSpawn, type FakeEngine } from '../../../../testing/fake-engine.ts';
import { valueOf, parseSamples } from '../../../../testing/parse-metrics.ts';
import { buildTestApp } from '../../../../testing/test-app.ts';

const open: Listening[] = [];
after(() => Promise.all(open.map((listening) => listening.close())));

/** Served on a real socket, for only that has a client that does not read. */
async function serve(engine: FakeEngine, events: Partial<EventHubOptions> = {}): Promise<string> {
  const webConfig = () => OPEN_WEB_CONFIG;
  const listening = await listen(
    buildTestApp({ engine, events: { resumeMs: 0, ...events } }),
    ['127.0.0.1:0'],
    webConfig,
  );
  open.push(listening);
  return `http://${listening.addresses[0]}`;
}

function connect(url: string, query = '', lastId?: string): Promise<IncomingMessage> {
  const headers = lastId === undefined ? {} : { 'last-event-id': lastId };
  return new Promise((resolve, reject) => {
    get(`${url}/api/v1/events${query}`, { headers }, resolve).on('error', reject);
  });
}

/** The end of what has come by the time that `enough` says so; long enough for all frames of a small test. */
async function readUntil(response: IncomingMessage, enough: (text: string) => boolean): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  return new Promise((resolve, reject) => {
    response.on('data', (chunk: string) => {
      text = text.slice(-5000) + chunk;
      if (enough(text)) resolve(text);
    });
    response.on('end', () => reject(new Error(`ended after ${text}`)));
    response.resume();
  });
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function metric(url: string, name: string): Promise<number> {
  return valueOf(parseSamples(await (await fetch(`${url}/metrics`)).text()), name);
}

describe('/api/v1/events', () => {
  it('streams events of one subscription to all clients, which lasts as long as there are any', async () => {
    const engine = createFakeEngine();
    const url = await serve(engine);
    const [a, b] = await Promise.all([connect(url), connect(url)]);
    assert.equal(a.headers['content-type'], 'text/event-stream; charset=utf-8');
    assert.equal(a.headers['x-content-type-options'], 'nosniff');
    assert.equal(engine.subscribers, 1);
    assert.equal(await metric(url, 'forktax_event_clients'), 2);

    const texts = [a, b].map((response) => readUntil(response, (text) => text.includes('"child":201')));
    engine.emit(fakeSpawn({ child: 200 }), fakeSpawn({ child: 201, comm: 'new\nline' }));
    for (const text of await Promise.all(texts)) {
      const frames = text.split('\n\n').filter((frame) => frame !== '');
      assert.equal(frames.length, 3);
      assert.match(frames[0] ?? '', /^event: hello\ndata: \{"schema":1,"version":"1.2.3","engine":"replay"\}$/);
      assert.match(frames[1] ?? '', /^event: spawn\ndata: \{.*"stall_ns":3000000,.*\}\nid: \w+-1$/);
      assert.equal(JSON.parse(/^data: (.*)$/m.exec(frames[2] ?? '')?.[1] ?? '').comm, 'new\nline');
    }

    a.destroy();
    await until(async () => (await metric(url, 'forktax_event_clients')) === 1);
    assert.equal(engine.subscribers, 1);
    b.destroy();
    await until(() => engine.subscribers === 0);
  });

  it('shows that it lives', async () => {
    const response = await connect(await serve(createFakeEngine(), { heartbeatMs: 5 }));
    await readUntil(response, (text) => text.includes(': still here\n\n: still here\n\n'));
  });

  it('does not count on a client that asks only for the head', async () => {
    const engine = createFakeEngine();
    const url = await serve(engine);
    assert.equal((await fetch(`${url}/api/v1/events`, { method: 'HEAD' })).status, 405);
    assert.equal(engine.subscribers, 0);
  });

  it('has room for so many clients only', async () => {
    const url = await serve(createFakeEngine(), { maxClients: 1 });
    await connect(url);
    assert.equal((await connect(url)).statusCode, 503);
  });

  it('leaves out events for a client that is slow to read, and tells it how many', async () => {
    const engine = createFakeEngine();
    const url = await serve(engine, { maxUnreadBytes: 100_000, heartbeatMs: 60_000 });
    const response = await connect(url);
    response.pause();
    // More than any socket's buffers hold.
    const batch = Array.from({ length: 1000 }, () => fakeSpawn());
    for (let sent = 0; sent < 60; sent++) {
      engine.emit(...batch);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const skipped = await metric(url, 'forktax_events_skipped_total');
    assert.ok(skipped > 0 && skipped < 60_000, `${skipped} skipped`);
    const text = readUntil(response, (soFar) => soFar.includes('event: skipped'));
    const emitting = setInterval(() => engine.emit(fakeSpawn({ child: 999 })), 5);
    const told = /event: skipped\ndata: \{"events":(\d+)\}/.exec(await text)?.[1];
    clearInterval(emitting);
    response.destroy();
    assert.ok(Number(told) >= skipped, `${told} told, ${skipped} skipped`);
  });

  it('drops a client that does not read at all', async () => {
    const engine = createFakeEngine();
    const url = await serve(engine, { maxUnreadBytes: 1000, heartbeatMs: 20 });
    const response = await connect(url);
    response.pause();
    response.on('error', () => {});
    const batch = Array.from({ length: 1000 }, () => fakeSpawn());
    await until(() => {
      engine.emit(...batch);
      return engine.subscribers === 0;
    });
    assert.equal(await metric(url, 'forktax_event_clients_dropped_total'), 1);
  });

  it('ends when the exporter stops', async () => {
    const webConfig = () => OPEN_WEB_CONFIG;
    const engine = createFakeEngine();
    const listening = await listen(buildTestApp({ engine }), ['127.0.0.1:0'], webConfig);
    const response = await connect(`http://${listening.addresses[0]}`);
    const ended = new Promise((resolve) => response.once('end', resolve));
    response.resume();
    await listening.close();
    await ended;
    assert.equal(engine.subscribers, 0);
  });

  it('goes on after the last event that a client had', async () => {
    const engine = createFakeEngine();
    const url = await serve(engine, { resumeMs: 60_000, maxKeptEvents: 3 });
    const first = await connect(url);
    const beginning = readUntil(first, (text) => text.includes('"child":1,'));
    engine.emit(fakeSpawn({ child: 1 }));
    const id = /^id: (.*)$/m.exec(await beginning)?.[1];
    first.destroy();
    await until(async () => (await metric(url, 'forktax_event_clients')) === 0);
    engine.emit(...[2, 3, 4].map((child) => fakeSpawn({ child })));
    const all = await readUntil(await connect(url, '', id), (text) => text.includes('"child":4,'));
    assert.deepEqual(childrenIn(all), [2, 3, 4]);
    assert.doesNotMatch(all, /skipped/);

    engine.emit(...[5, 6, 7].map((child) => fakeSpawn({ child })));
    const late = await readUntil(await connect(url, '', id), (text) => text.includes('"child":7,'));
    assert.deepEqual(childrenIn(late), [5, 6, 7]);
    assert.match(late, /^event: skipped\ndata: \{"events":3\}$/m);
  });

  it('starts anew for the id of another collector', async () => {
    const engine = createFakeEngine();
    const url = await serve(engine);
    await connect(url);
    engine.emit(fakeSpawn({ child: 1 }));
    for (const id of ['other-1', 'nonsense', '', '-', '1-2-3']) {
      const response = await connect(url, '', id);
      const text = readUntil(response, (read) => read.includes('"child":2,'));
      engine.emit(fakeSpawn({ child: 2 }));
      assert.deepEqual(childrenIn(await text), [2]);
    }
  });

  it('sends only what is asked for, and says where it is', async () => {
    const engine = createFakeEngine();
    const url = await serve(engine, { heartbeatMs: 5 });
    const response = await connect(url, '?kind=spawn,spawn-failure&min_stall_ns=5000000');
    engine.emit(
      fakeSpawn({ child: 1, stallNs: 4_999_999 }),
      fakeSpawn({ child: 2, stallNs: 5_000_000 }),
      fakeSpawn({ child: 3 }),
    );
    const text = await readUntil(response, (read) => /\n\nid: \w+-3\n\n/.test(read));
    assert.deepEqual(childrenIn(text), [2]);
  });

  it('refuses questions that it does not understand', async () => {
    const app = buildTestApp();
    const unknown = await app.inject('/api/v1/events?kind=spwan');
    assert.deepEqual(
      [unknown.statusCode, unknown.body.includes('there is no spwan; the kinds are spawn,')],
      [400, true],
    );
    assert.equal((await app.inject('/api/v1/events?min_stall_ns=5ms')).statusCode, 400);
    assert.equal((await app.inject('/api/v1/events?min_stall_ns=5&min_stall_ns=6')).statusCode, 400);
    assert.equal((await app.inject('/api/v1/events?kind=exec&kind=spwan')).statusCode, 400);
  });

  it('takes kinds from several parameters too', async () => {
    const engine = createFakeEngine();
    const response = await connect(await serve(engine), '?kind=exec&kind=spawn');
    const text = readUntil(response, (read) => read.includes('"child":1,'));
    engine.emit(fakeSpawn({ child: 1 }));
    assert.deepEqual(childrenIn(await text), [1]);
  });

  it('does not count on a client that goes while its password is checked', async () => {
    const engine = createFakeEngine();
    const app = buildTestApp({ engine });
    const asked = Promise.withResolvers<void>();
    const handled = Promise.withResolvers<void>();
    app.addHook('onRequest', async ({ socket }) => {
      asked.resolve();
      await once(socket, 'close');
    });
    app.addHook('preHandler', async () => void setImmediate(handled.resolve));
    const listening = await listen(app, ['127.0.0.1:0'], () => OPEN_WEB_CONFIG);
    open.push(listening);
    const request = get(`http://${listening.addresses[0]}/api/v1/events`).on('error', () => {});
    await asked.promise;
    request.destroy();
    await handled.promise;
    assert.equal(engine.subscribers, 0);
  });
});

const childrenIn = (text: string) => Array.from(text.matchAll(/"child":(\d+)/g), ([, child]) => Number(child));
