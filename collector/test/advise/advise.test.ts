/** The ranking, and the advice to take what a collector has counted. */
import assert from 'node:assert/strict';
import { hash } from 'bcryptjs';
import { test } from 'node:test';
import { OPEN_WEB_CONFIG } from '../../serve/config/web.ts';
import type { CostRow } from '../../model/rows.ts';
import { rankSpawners } from '../../advise/rank.ts';
import { adviceText } from '../../advise/advice-text.ts';
import { atCost, observeCollector } from '../../advise/observe-collector.ts';
import { createFakeEngine, fakeRow, hooksWithout } from '../../../testing/fake-engine.ts';
import { buildTestApp } from '../../../testing/test-app.ts';

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
  assert.match(text, /^ +12.0ms +5 vfork +3.00ms +\S+ large +it waits until its child calls exec -> /m);
  assert.match(text, /^1 smaller ones are not shown/m);
});

const users = new Map([['me', (await hash('s:cret', 4)).replace('$2b$', '$2y$')]]);

/** The real one, on a port of its own, with these rows and a password. */
async function collector(options: Parameters<typeof createFakeEngine>[0]) {
  const app = buildTestApp({
    engine: createFakeEngine(options),
    webConfig: () => ({ ...OPEN_WEB_CONFIG, users }),
  });
  const address = new URL(await app.listen({ port: 0, host: '127.0.0.1' }));
  return { host: address.host, [Symbol.asyncDispose]: () => app.close() };
}

test('the costs of a collector, by the cost of afork here', async () => {
  const app = row('app', 1, { spawns: 10, execStalls: 10, execStallNs: 50 * ms });
  await using server = await collector({ rows: [app, row('quick', 1, { execStalls: 9, execStallNs: 2 * ms })] });
  const rows = atCost((await observeCollector(`http://me:s%3Acret@${server.host}`)).rows, 1 * ms);
  const avoidable = rows.map(({ comm, avoidableStallNs }) => [comm, avoidableStallNs]);
  assert.deepEqual(avoidable, [
    ['app', 40 * ms],
    ['quick', 0],
  ]);
  const [advice, ...more] = rankSpawners({ rows, spawnerOf: () => undefined });
  assert.deepEqual([advice?.comm, advice?.spawns, advice?.copiedRssBytes, more.length], ['app', 10, 1 << 20, 0]);
});

test('a collector that lacks a hook, is none, or is not there', async () => {
  const failing = (url: string, code: string, message: RegExp) =>
    assert.rejects(observeCollector(url), { code, message });
  await using server = await collector({ rows: [row('app', 1)], hooks: hooksWithout('sched_process_exec') });
  await failing(
    `http://me:s%3Acret@${server.host}/`,
    'FORKTAX_NO_HOOK',
    /avoidable stall cannot be measured: sched_process/,
  );
  await failing(
    `http://${server.host}/`,
    'FORKTAX_COLLECTOR',
    /^no costs from http:.*\/api\/v1\/costs: the server answers 401/,
  );
  await failing(`http://me:s%3Acret@${server.host}/below`, 'FORKTAX_COLLECTOR', /the server answers 404/);
  const gone = await collector({});
  await gone[Symbol.asyncDispose]();
  await failing(`http://${gone.host}/`, 'FORKTAX_COLLECTOR', /ECONNREFUSED/);
});
