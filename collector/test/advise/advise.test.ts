/** Spawners are ranked, also by what a collector has counted. */
import assert from 'node:assert/strict';
import { hash } from 'bcryptjs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { examineSpawner, type ExaminedSpawner } from '../../advice/examine-spawner.ts';
import { lookAtExecutable, type Program } from '../../relaunch/choose/program.ts';
import { readProcess } from '../../relaunch/running/running-process.ts';
import { OPEN_WEB_CONFIG } from '../../serve/config/web.ts';
import { OTHER, type CostRow } from '../../model/rows.ts';
import { rankSpawners, type Grouping } from '../../advice/rank.ts';
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
  const advice = rankSpawners({ rows, spawnerOf: () => undefined, label: 'none' });
  const ranked = advice.map(({ comm, avoidableNs, spawns, mechanism }) => [comm, avoidableNs, spawns, mechanism]);
  assert.deepEqual(ranked, [
    ['large', 12 * ms, 5, 'vfork'],
    ['small', 1 * ms, 1, 'fork'],
  ]);
  const text = adviceText(
    { source: 'host', aforkCostNs: 16_000, observedNs: 10e9, advice, eventsLost: 0, label: 'pid' },
    { top: 1, width: 80 },
  );
  assert.match(
    text,
    /^afork costs 16.0us here \(median of 100\)\. Stall beyond that cost, of spawns whose\nchild called exec, in 10.0s:\n/,
  );
  assert.match(
    text,
    /^ +12.0ms +5 vfork +3.00ms +\S+ large\n {10}its other threads waited 4.00ms while it forked\n {10}it waits until its child calls exec\n {10}-> /m,
  );
  assert.match(text, /^1 smaller ones are not shown/m);
});

const programOf = (path: string): Program => ({
  trail: [path],
  path,
  name: basename(path),
  elf: undefined,
  libc: undefined,
  libraries: [],
});

test('programs of one name are not added up, processes of one program are', () => {
  const paths = { 1: '/opt/a/app', 2: '/opt/a/app', 3: '/opt/b/app', 4: '/opt/a/app' };
  const rows = [
    row('app', 1 * ms, { id: '1' }),
    row('app', 2 * ms, { id: '2', mechanism: 'vfork' }),
    row('app', 5 * ms, { id: '3' }),
    row('renamed', 4 * ms, { id: '4' }),
    row('app', 6 * ms, { id: '5' }),
    row(OTHER, 3 * ms),
  ];
  const spawnerOf = ({ id }: CostRow) => {
    const path = paths[Number(id) as keyof typeof paths];
    const foreign = id === '4' ? { foreignMounts: 'mnt:[1]' } : {};
    return path === undefined ? { pid: Number(id) } : { pid: Number(id), program: programOf(path), ...foreign };
  };
  const named = (by: Grouping) =>
    rankSpawners({ rows, spawnerOf, label: 'pid' }, by).map(({ comm, executable, processes, avoidableNs }) =>
      [comm, executable, processes, avoidableNs / ms].join(' '),
    );
  assert.deepEqual(named('program'), [
    'app  1 6',
    'app /opt/b/app 1 5',
    'renamed /opt/a/app 1 4',
    'app /opt/a/app 2 3',
    `${OTHER}   3`,
  ]);
  assert.deepEqual(
    named('pid').map((text) => text.at(-1)),
    ['6', '5', '4', '3', '2', '1'],
  );
});

test('nobody is told to relaunch what cannot be helped, or is not known', () => {
  const remedyFor = (comm: string, spawner?: ExaminedSpawner) =>
    rankSpawners({ rows: [row(comm, 1 * ms)], spawnerOf: () => spawner, label: 'none' })[0]?.remedy;
  for (const comm of ['bash', 'sh', 'dash', 'zsh', 'git', 'nginx', 'postgres', 'redis-server'])
    assert.doesNotMatch(remedyFor(comm) ?? '', /forktax relaunch/, comm);
  assert.match(remedyFor('python3.11') ?? '', /^use Python 3.10 or later/);
  assert.match(remedyFor('app') ?? '', /^it could not be examined; forktax relaunch -- COMMAND says whether/);
  assert.match(remedyFor(OTHER) ?? '', /^these are more spawners than the table holds/);
  const shell = {
    pid: process.pid,
    process: readProcess('self'),
    program: lookAtExecutable(['/bin/sh'], readProcess('self')),
  };
  assert.doesNotMatch(remedyFor('anything', shell) ?? '', /relaunch --/);
  const self = { ...shell, program: lookAtExecutable([process.execPath], readProcess('self')) };
  assert.match(
    remedyFor('node', self) ?? '',
    /^forktax relaunch --pid \d+ shows what to set at its next start; it cannot be replaced now: this command runs in it$/,
  );
});

test('80 columns are enough', () => {
  const rows = ['a', 'bash', 'java'].map((comm) => row(`${comm}-of-15-bytes`.slice(0, 15), 1e12, { id: '4194303' }));
  const spawnerOf = () => ({ pid: 4_194_303, program: programOf(`/opt/${'long/'.repeat(20)}program`) });
  const advice = rankSpawners({ rows, spawnerOf, label: 'pid' }, 'pid');
  const text = adviceText(
    { source: 'collector', aforkCostNs: 16_000, observedNs: 10e9, advice, eventsLost: 0, label: 'pid' },
    { top: 9, width: 80 },
  );
  for (const line of text.split('\n').filter((each) => / /.test(each.trim()))) assert.ok(line.length <= 80, line);
  assert.equal(advice.length, 3);
});

const users = new Map([['me', (await hash('s:cret', 4)).replace('$2b$', '$2y$')]]);

/** Runs a real collector on its own port, with these rows and a password. */
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
  const [advice, ...more] = rankSpawners({ rows, spawnerOf: () => undefined, label: 'none' });
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

test('of a spawner all is kept but its environment, which may be large and hold secrets', () => {
  const { process: kept } = examineSpawner(process.pid, basename(process.execPath)) ?? {};
  assert.equal(kept?.pid, process.pid);
  assert.deepEqual(kept.environment, []);
});
