/** Full tables, stopped and killed collectors, and several collectors at once lose nothing uncounted. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { OTHER } from '../../../model/rows.ts';
import { tryReadText } from '../../../system/files.ts';
import { prepareSpawnload, type ReadySpawnload } from '../../../../native/spawnload/spawnload.ts';
import { EngineProcess } from './engine-process.ts';
import { openEngine, rowsOf, total } from '../../../../testing/engines.ts';
import { scaled, spawnload, uniqueComm } from '../../../../testing/spawnload.ts';

test('a collector that is stopped loses no count, and counts the events it lost', async () => {
  const comm = uniqueComm();
  const count = scaled(20_000);
  const collector = new EngineProcess({ stream: true, ringBytes: 1 << 16, filter: { comm } });
  try {
    await collector.ready();
    collector.child.kill('SIGSTOP');
    const spawning = spawnload('--mechanism', 'vfork', '--comm', comm, '--count', count, '--live', 16);
    await sleep(5_000 * Math.min(1, count / 20_000));
    await spawning;
    collector.child.kill('SIGCONT');
    const { snapshot, events } = await collector.report();
    const [row, ...more] = snapshot.rows;
    assert.ok(row && more.length === 0);
    const counts = [row.spawns, total(row.stall), total(row.execDelay), total(row.lifetime), total(row.copiedRss)];
    assert.deepEqual(counts, [count, count, count, count, count]);
    assert.ok(snapshot.health.eventsLost > 0, 'the ring was too small for this');
    const received = Object.values(events).reduce((sum, each) => sum + each, 0);
    assert.equal(received + snapshot.health.eventsLost, 3 * count, 'spawn, exec and exit of each');
  } finally {
    await collector.end();
  }
});

test('what finds no row is in (other), and the total is exact', async () => {
  const spawners = scaled(100);
  const each = 3;
  const collector = new EngineProcess({ maxSpawners: 8, filter: { pid: process.pid, follow: true } });
  try {
    await collector.ready();
    for (let i = 0; i < spawners; i++) await spawnload('--mechanism', 'fork', '--comm', uniqueComm(), '--count', each);
    const { rows, health } = (await collector.report()).snapshot;
    const other = rows.filter((row) => row.comm === OTHER);
    const inTable = rows.filter((row) => row.comm !== OTHER);
    assert.deepEqual([inTable.length, health.tableRows], [8, 8]);
    assert.ok(health.rowsFolded > 0);
    // This process spawned the generators, so the first row is its own.
    const spawns = spawners + spawners * each;
    assert.equal(total({ counts: rows.map((row) => row.spawns) }), spawns);
    assert.equal(total({ counts: other.map((row) => row.spawns) }), (spawners - 7) * each);
    for (const histogram of ['stall', 'execDelay', 'lifetime', 'copiedRss'] as const)
      assert.equal(total({ counts: rows.map((row) => total(row[histogram])) }), spawns, histogram);
  } finally {
    await collector.end();
  }
});

test('with a filter, table and (other) together hold each spawn exactly once', async () => {
  const threads = 4;
  const count = scaled(400);
  const comm = uniqueComm();
  // One comm with a row for each pid gives more spawners than rows.
  using engine = openEngine({ maxSpawners: 8, label: 'pid', filter: { comm } });
  for (let i = 0; i < 20; i++)
    await spawnload('--mechanism', 'fork', '--comm', comm, '--count', count / 20, '--threads', threads);
  const { rows, health } = engine.snapshot();
  assert.equal(total({ counts: rows.map((row) => row.spawns) }), count);
  assert.equal(health.tableRows, 8);
  assert.equal(rows.filter((row) => row.comm === comm).length, 8);
});

test('rows long unused give way, and nothing of them is lost', async () => {
  using engine = openEngine({ maxSpawners: 4, idleMs: 0, label: 'pid', filter: { comm: 'evicted' } });
  for (let i = 1; i <= 20; i++) {
    await spawnload('--mechanism', 'fork', '--comm', 'evicted', '--count', 2);
    const { rows } = engine.snapshot();
    const sums = [rows.map((row) => row.spawns), rows.map((row) => total(row.lifetime))];
    assert.deepEqual(
      sums.map((counts) => total({ counts })),
      [2 * i, 2 * i],
    );
  }
  assert.ok(engine.snapshot().health.rowsEvicted >= 15);
});

test('in a time namespace events have the time of the host, and no fresh row is taken for an idle one', async () => {
  const comm = uniqueComm();
  const shifted = ['unshare', '--time', '--monotonic', '100000', '--boottime', '200000', '--fork', '--kill-child'];
  const collector = new EngineProcess({ maxSpawners: 1, stream: true, filter: { comm } }, shifted);
  try {
    await collector.ready();
    const beginMs = Date.now();
    await spawnload('--mechanism', 'vfork', '--comm', comm);
    const { snapshot, lastEventAtMs } = await collector.report();
    const times = [snapshot.atMs, snapshot.rows[0]?.slowest?.atMs, lastEventAtMs];
    for (const atMs of times) assert.ok(Math.abs((atMs ?? 0) - beginMs) < 60_000, `${atMs}, not ${beginMs}`);
    assert.equal(snapshot.health.rowsEvicted, 0);
  } finally {
    await collector.end();
  }
});

test('processes without room are counted, and the room is told', async () => {
  const comm = uniqueComm();
  const [room, count] = [64, 100];
  using engine = openEngine({ maxProcesses: room, filter: { comm } });
  const args = ['--mechanism', 'vfork', '--comm', comm, '--count', count, '--live', count];
  const all = await prepareSpawnload([...args, '--child-lifetime', 600_000].map(String));
  const ended = all.go().catch(() => undefined);
  const spawned = () => rowsOf(engine, comm)[0]?.spawns ?? 0;
  while (spawned() < count) await sleep(20);
  const { processesTracked, processesUntracked, processCapacity } = engine.snapshot().health;
  all.kill();
  await ended;
  assert.deepEqual([processesTracked, processesUntracked, processCapacity], [room, count - room, room]);
});

test('threads give up their place in the table of calls when more than half of it is taken', async () => {
  const comm = uniqueComm();
  const [room, count] = [8, 12];
  using engine = openEngine({ maxProcesses: room, filter: { comm } });
  const living: ReadySpawnload[] = [];
  try {
    for (let i = 1; i <= count; i++) {
      const one = await prepareSpawnload(['--mechanism', 'vfork', '--comm', comm, '--child-lifetime', '600000']);
      living.push(one);
      void one.go().catch(() => undefined);
      while (total(rowsOf(engine, comm)[0]?.stall ?? { counts: [] }) < i) await sleep(20);
    }
    const { callsTracked, callsUntracked } = engine.snapshot().health;
    assert.deepEqual([callsTracked, callsUntracked], [room / 2, 0]);
  } finally {
    for (const one of living) one.kill();
  }
});

test('children and calls whose place another one has are followed all the same', async () => {
  const comm = uniqueComm();
  const count = scaled(40);
  using engine = openEngine({ maxProcesses: 15, filter: { comm } }); // one place
  const tracked = () => {
    const { processesTracked, callsTracked, processesUntracked, callsUntracked } = engine.snapshot().health;
    return [processesTracked, callsTracked, processesUntracked, callsUntracked];
  };
  const living = ['--mechanism', 'vfork', '--comm', comm, '--child-lifetime', '600000'];
  const keeper = await prepareSpawnload([...living, '--from-thread']); // the leader makes a thread, and keeps no call
  const ended = keeper.go().catch(() => undefined);
  while (total(rowsOf(engine, comm)[0]?.stall ?? { counts: [] }) === 0) await sleep(20);
  assert.deepEqual(tracked(), [1, 1, 0, 0]);
  const seen = () => {
    const row = rowsOf(engine, comm).find(({ mechanism }) => mechanism === 'fork');
    assert.ok(row);
    const { spawns, execStalls, stall, execDelay, lifetime, childFaults } = row;
    return { counts: [spawns, total(stall), total(execDelay), total(lifetime), execStalls], childFaults };
  };
  const load = ['--mechanism', 'fork', '--comm', comm, '--count', count] as const;
  await spawnload(...load, '--threads', 2, '--live', 2, '--rss', 1 << 20, '--child-touch', 50);
  const first = seen();
  assert.deepEqual(first.counts, [count, count, count, count, count]);
  if (process.arch === 'x64') assert.ok(first.childFaults >= 50 * count);
  await spawnload(...load, '--exec-from-thread');
  await spawnload(...load, '--no-exec', '--end-together');
  await spawnload(...load, '--kill');
  assert.deepEqual(seen().counts, [4 * count, 4 * count, 2 * count, 4 * count, 2 * count]);
  assert.deepEqual(tracked(), [1, 1, 0, 0]);
  keeper.kill();
  await ended;
  while (tracked().some((each) => each > 0)) await sleep(20);
});

test('two collectors side by side say the same', async () => {
  const comm = uniqueComm();
  const count = scaled(200);
  using one = openEngine();
  using two = openEngine({ callHook: 'raw' });
  await spawnload('--mechanism', 'fork', '--comm', comm, '--count', count, '--rss', 8 << 20);
  const [a, b] = [one, two].map((engine) => rowsOf(engine, comm)[0]);
  assert.ok(a && b);
  const exact = (row: typeof a) => [
    row.spawns,
    total(row.stall),
    total(row.execDelay),
    total(row.lifetime),
    row.copiedRss.sum,
    row.copiedPageTableBytes,
    row.cowFaultsParent,
    row.cowFaultsChild,
    row.childFaults,
  ];
  assert.deepEqual(exact(a), exact(b));
});

/** The programs and maps of the host. */
const bpfIds = () =>
  ['prog', 'map'].flatMap((kind) =>
    (JSON.parse(execFileSync('bpftool', ['-j', kind, 'list'], { encoding: 'utf8' })) as { id: number }[]).map(
      ({ id }) => `${kind}_id ${id}`,
    ),
  );

/** Those that a process has open, which the fdinfo of their descriptors tells. */
const bpfIdsOf = (pid: number) =>
  readdirSync(`/proc/${pid}/fdinfo`).flatMap((fd) =>
    Array.from(
      tryReadText(`/proc/${pid}/fdinfo/${fd}`).matchAll(/^(prog_id|map_id):\s*(\d+)$/gm),
      ([, kind, id]) => `${kind} ${id}`,
    ),
  );

test('a killed collector leaves neither program nor map', async () => {
  const collector = new EngineProcess({ stream: true });
  await collector.ready();
  const own = new Set(bpfIdsOf(Number(collector.child.pid)));
  const before = bpfIds().filter((id) => own.has(id));
  assert.ok(before.some((id) => id.startsWith('prog')) && before.length >= 4, before.join());
  await collector.end('SIGKILL');
  // The kernel frees them only after a grace period.
  const left = () => bpfIds().filter((id) => own.has(id));
  for (let i = 0; i < 600 && left().length > 0; i++) await sleep(100);
  assert.deepEqual(left(), []);
});
