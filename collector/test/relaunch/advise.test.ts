/** The ranking, and the advice to take what a collector has counted. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { CostRow } from '../../engine/engine.ts';
import { rankSpawners } from '../../relaunch/advise/rank.ts';
import { adviceText } from '../../relaunch/advise/report.ts';
import { observeCollector } from '../../relaunch/advise/source.ts';
import { createFakeEngine, fakeRow } from '../fake-engine.ts';

const ms = 1e6;
const row = (comm: string, avoidableStallNs: number, more: Partial<CostRow> = {}) =>
  fakeRow({ comm, avoidableStallNs, ...more });

test('largest avoidable stall first, all mechanisms together, none without', () => {
  const rows = [
    row('small', 1 * ms),
    row('large', 5 * ms, { spawns: 2 }),
    row('large', 7 * ms, { mechanism: 'vfork', spawns: 3 }),
    row('good', 0, { mechanism: 'afork' }),
  ];
  const advice = rankSpawners({ rows, spawnerOf: () => undefined });
  const ranked = advice.map(({ comm, avoidableNs, spawns, mechanism }) => [comm, avoidableNs, spawns, mechanism]);
  assert.deepEqual(ranked, [
    ['large', 12 * ms, 5, 'vfork'],
    ['small', 1 * ms, 1, 'fork'],
  ]);
  const text = adviceText({ aforkCostNs: 16_000, observedNs: 10e9, advice, eventsLost: 0 }, 1);
  assert.match(text, /^afork costs 16.0us here \(median of 100\); .* in 10.0s:\n/);
  assert.match(text, /^ +12.0ms +5 vfork +3.00ms +\S+ large +it waits for the exec of its child -> /m);
  assert.match(text, /^1 smaller ones are not shown/m);
});

/** Answers with these rows to whoever has the password. */
async function collector(rows: readonly CostRow[]) {
  const { health } = createFakeEngine().next;
  const server = createServer((request, response) => {
    const isKnown = request.headers.authorization === `Basic ${Buffer.from('me:s3cret').toString('base64')}`;
    response.statusCode = isKnown ? 200 : 401;
    response.end(
      JSON.stringify(isKnown && request.url === '/sub/api/v1/costs' ? { schema: 'forktax.costs/1', rows, health } : {}),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, [Symbol.dispose]: () => void server.close() };
}

test('the costs of a collector, by the cost of afork here', async () => {
  using server = await collector([row('app', 1, { spawns: 10, execStalls: 10, execStallNs: 50 * ms })]);
  const { rows } = await observeCollector(`http://me:s3cret@127.0.0.1:${server.port}/sub`, 1 * ms);
  assert.deepEqual(
    rows.map(({ comm, avoidableStallNs }) => [comm, avoidableStallNs]),
    [['app', 40 * ms]],
  );
});

test('a collector that is none, or is not there', async () => {
  using server = await collector([]);
  const failing = (url: string, message: RegExp) =>
    assert.rejects(observeCollector(url, 0), { code: 'FORKTAX_COLLECTOR', message });
  await failing(`http://127.0.0.1:${server.port}/sub`, /it answers 401/);
  await failing(
    `http://me:s3cret@127.0.0.1:${server.port}/`,
    /^no costs from http:\/\/127.0.0.1:\d+\/api\/v1\/costs: it is no collector/,
  );
  const gone = await collector([]);
  gone[Symbol.dispose]();
  await failing(`http://127.0.0.1:${gone.port}/`, /ECONNREFUSED/);
});
