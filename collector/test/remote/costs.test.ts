import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { askCollector } from '../../remote/ask-collector.ts';
import { fetchCosts } from '../../remote/costs.ts';
import { createFakeEngine, fakeRow, hooksWithout } from '../../../testing/fake-engine.ts';
import { buildTestApp } from '../../../testing/test-app.ts';

async function at<T>(answer: string, ask: (url: URL) => Promise<T>): Promise<T> {
  const server = createServer((_request, response) => response.end(answer)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await ask(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const rows = [fakeRow({ id: '7', slowest: { pid: 1, stallNs: 2, atMs: 3 } })];
const right = (await buildTestApp({ engine: createFakeEngine({ rows, label: 'pid' }) }).inject('/api/v1/costs')).json();

describe('costs from a collector', () => {
  it('are those that it has', async () => {
    const { rows: got, label, absent, eventsLost } = await at(JSON.stringify(right), fetchCosts);
    assert.deepEqual(got, JSON.parse(JSON.stringify(rows)));
    assert.deepEqual([label, absent.size, eventsLost], ['pid', 0, 0]);
  });

  it('are 0 where the collector measures nothing', async () => {
    const app = buildTestApp({ engine: createFakeEngine({ rows, hooks: hooksWithout('calls') }) });
    const { rows: got, absent } = await at((await app.inject('/api/v1/costs')).body, fetchCosts);
    assert.deepEqual([got[0]?.copyNs, got[0]?.stall.sum, got[0]?.spawns], [0, 0, 1]);
    assert.deepEqual([...absent.keys()], ['stall']);
  });

  const [row] = right.rows;
  const wrong: readonly [string, unknown, RegExp][] = [
    ['no JSON', undefined, /JSON/],
    ['a list', [], /expected object/],
    ['another version', { ...right, schema: 2 }, /schema: /],
    ['no rows', { ...right, rows: undefined }, /rows: /],
    ['a row that is none', { ...right, rows: [null] }, /rows\.0: /],
    ['a row without a name', { ...right, rows: [row, { ...row, comm: undefined }] }, /rows\.1\.comm: /],
    ['a name that is no text', { ...right, rows: [{ ...row, comm: { length: 3 } }] }, /rows\.0\.comm: /],
    ['another mechanism', { ...right, rows: [{ ...row, mechanism: '__proto__' }] }, /rows\.0\.mechanism: /],
    ['a counter that is text', { ...right, rows: [{ ...row, spawns: 'many' }] }, /rows\.0\.spawns: /],
    ['a counter below 0', { ...right, rows: [{ ...row, spawns: -1 }] }, /rows\.0\.spawns: /],
    ['a histogram that is none', { ...right, rows: [{ ...row, stall: 7 }] }, /rows\.0\.stall: /],
    ['other bounds', { ...right, rows: [{ ...row, stall: { counts: [1], sum: 1 } }] }, /rows\.0\.stall\.counts: /],
    ['another label', { ...right, engine: { label: 'x' } }, /engine\.label: /],
    ['no health', { ...right, health: null }, /health: /],
  ];
  for (const [name, answer, problem] of wrong) {
    it(`are refused, with the place: ${name}`, () =>
      assert.rejects(at(JSON.stringify(answer) ?? '<html>', fetchCosts), (error: Error & { code?: string }) => {
        assert.match(error.message, /^no costs from http:/);
        assert.match(error.message, problem);
        return error.code === 'FORKTAX_COLLECTOR';
      }));
  }
});

describe('asking a collector', () => {
  const question = { path: 'x', problem: 'nothing from', mostBytes: 1024, timeoutMs: 60_000, read: String };

  it('takes no more than it wants', () =>
    assert.rejects(
      at('x'.repeat(2000), (url) => askCollector(url, question)),
      /^ForktaxError: nothing from .*: the answer is larger than 1 KiB$/,
    ));

  it('waits no longer than it wants', async () => {
    const server = createServer(() => {}).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await assert.rejects(askCollector(url, { ...question, timeoutMs: 50 }), /no whole answer within 0\.05 s$/);
    server.closeAllConnections();
    server.close();
  });
});
