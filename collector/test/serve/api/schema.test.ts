/** Every field that the API answers with is in its schema. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { API } from '../../../serve/api/schema.ts';
import { toRecord } from '../../../serve/http/record.ts';
import { createFakeEngine, fakeFailure, fakeRow, fakeSpawn, hooksWithout } from '../../../../testing/fake-engine.ts';
import { buildTestApp } from '../../../../testing/test-app.ts';
import type { CgroupNames } from '../../../system/cgroups.ts';
import { cgroupFields } from '../../../serve/http/costs.ts';

const slowest = { pid: 1, stallNs: 2, atMs: 3 };
const programs = [{ program: 'spawn_begin', runs: 1, runNs: 2, missed: 0 }];
const cgroupNames: CgroupNames = {
  resolve: async () => {},
  nameOf: () => '/a.slice',
  identityOf: () => ({
    unit: 'a.service',
    container: { id: 'f00', runtime: 'docker' },
    podUid: 'u',
    names: { namespace: 'n', pod: 'p', container: 'c' },
  }),
};
const answer = {
  rows: [fakeRow({ id: '7', slowest, evicted: true })],
  failures: [fakeFailure({ id: '7' })],
  programs,
  label: 'cgroup',
} as const;

function check(path: keyof typeof API, value: unknown): void {
  assert.deepEqual(API[path].schema.parse(value), value);
}

test('costs, with all that can be absent and with all of it present', async () => {
  const full = buildTestApp({ engine: createFakeEngine(answer), cgroupNames });
  check('/api/v1/costs', (await full.inject('/api/v1/costs')).json());
  const refused = { engine: 'core', reason: 'no BTF' } as const;
  const sparse = createFakeEngine({ rows: [fakeRow()], hooks: hooksWithout('calls'), insteadOf: refused });
  check('/api/v1/costs', (await buildTestApp({ engine: sparse }).inject('/api/v1/costs')).json());
});

test('history', async () => {
  const engine = createFakeEngine({ label: 'cgroup' });
  const app = buildTestApp({ engine, cgroupNames, page: true, history: { intervalMs: 5 } });
  await app.ready();
  engine.next = { ...engine.next, ...answer };
  let body;
  do body = (await app.inject('/api/v1/history')).json();
  while (!body.points.some((point: { rows: unknown[] }) => point.rows.length > 0));
  check('/api/v1/history', body);
  assert.deepEqual(body.cgroups, { 7: toRecord(cgroupFields(cgroupNames, '7')) });
  const later = (await app.inject(`/api/v1/history?from=${body.next_seq}`)).json();
  assert.ok(later.points.every(({ seq }: { seq: number }) => seq >= body.next_seq));
  assert.equal((await app.inject('/api/v1/history?from=-1')).statusCode, 400);
  await app.close();
});

test('without the page there is no history, and nothing is read for it', async () => {
  const engine = createFakeEngine();
  const app = buildTestApp({ engine });
  await app.ready();
  assert.equal((await app.inject('/api/v1/history')).statusCode, 404);
});

test('events', () => {
  const {
    stallNs: _1,
    copyNs: _2,
    copiedRssBytes: _3,
    copiedPageTableBytes: _4,
    siblingWaitNs: _5,
    ...base
  } = fakeSpawn();
  check('/api/v1/events', toRecord(fakeSpawn()));
  check('/api/v1/events', toRecord({ ...base, kind: 'exec', delayNs: 1, file: '/bin/true' }));
  check('/api/v1/events', toRecord({ ...base, kind: 'exec-failure', delayNs: 1, file: '/bin/true', errno: 2 }));
  check('/api/v1/events', toRecord({ ...base, kind: 'exit', lifetimeNs: 1, status: 0, execSeen: true }));
  const { child: _6, ...call } = base;
  check('/api/v1/events', toRecord({ ...call, kind: 'spawn-failure', stallNs: 1, errno: 11 }));
});

test('/api/v1/schema is JSON Schema in one style of names', async () => {
  const response = await buildTestApp().inject('/api/v1/schema');
  assert.equal(response.headers['content-type'], 'application/schema+json; charset=utf-8');
  const { $schema, $defs } = response.json();
  assert.equal($schema, 'https://json-schema.org/draft/2020-12/schema');
  assert.deepEqual(Object.keys($defs), ['costs', 'history', 'sites', 'event']);
  const names = propertyNames($defs);
  assert.ok(names.includes('copied_page_table_bytes'));
  assert.deepEqual(
    names.filter((name) => !/^[a-z][a-z_]*$/.test(name)),
    [],
  );
});

function propertyNames(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const own = 'properties' in schema ? Object.keys(schema.properties as object) : [];
  return [...own, ...Object.values(schema).flatMap(propertyNames)];
}
