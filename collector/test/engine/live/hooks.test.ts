/** A missing hook affects only its own columns. Filters and labels work as documented. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import { absentColumns } from '../../../model/hooks.ts';
import type { ColumnGroup } from '../../../model/columns.ts';
import { openEngine, rowOf, rowsOf, total } from '../../../../testing/engines.ts';
import { scaled, SPAWNLOAD, spawnload, uniqueComm } from '../../../../testing/spawnload.ts';

const COUNT = scaled(40);

/** What each hook feeds, as a function of the row: COUNT with the hook, and 0 without it. */
const FEEDS: Readonly<
  Record<string, readonly [ColumnGroup, (comm: string, engine: ReturnType<typeof openEngine>) => number]>
> = {
  sched_process_exit: ['lifetime', (comm, engine) => total(rowOf(engine, comm).lifetime)],
  sched_process_exec: ['exec', (comm, engine) => total(rowOf(engine, comm).execDelay)],
  page_fault_user: ['faults', (comm, engine) => Math.sign(rowOf(engine, comm).childFaults) * COUNT],
  'fexit:do_wp_page': ['cowFaultTimes', (comm, engine) => Math.sign(rowOf(engine, comm).cowFaultsParentNs) * COUNT],
  'lock:contention': ['siblings', (comm, engine) => Math.sign(rowOf(engine, comm).siblingWait.sum) * COUNT],
};

/** Hooks that feed nothing without another one. */
const NEEDS: Readonly<Record<string, string>> = { 'fexit:do_wp_page': 'page_fault_user' };

/** The hooks that this kernel does not have. scripts/guest/kernel.ts compares them with those that it cannot have. */
function missingHooks(): string[] {
  using engine = openEngine({ timesCowFaults: true });
  return engine.hooks.filter(({ attached }) => !attached).map(({ name }) => name);
}

const missingHere = missingHooks();
const columnsOf = (hooks: readonly string[]) => hooks.flatMap((hook) => FEEDS[hook]?.[0] ?? []).toSorted();

for (const without of Object.keys(FEEDS))
  test(`without ${without} only its columns are missing`, async () => {
    const comm = uniqueComm();
    using engine = openEngine({ timesCowFaults: true, withoutHooks: [without] });
    const missing = new Set([without, ...missingHere]);
    assert.deepEqual([...absentColumns(engine.hooks).keys()].toSorted(), columnsOf([...missing]));
    const siblings = ['--siblings', 2, '--rss', 64 << 20];
    await spawnload('--mechanism', 'fork', '--comm', comm, '--count', COUNT, ...siblings);
    assert.deepEqual([rowOf(engine, comm).spawns, total(rowOf(engine, comm).stall)], [COUNT, COUNT]);
    for (const [hook, [, count]] of Object.entries(FEEDS))
      assert.equal(count(comm, engine), missing.has(hook) || missing.has(NEEDS[hook] ?? '') ? 0 : COUNT, hook);
  });

test('without the spawning calls the spawns are still counted, and their system call known', async () => {
  const comm = uniqueComm();
  using engine = openEngine({ callHook: 'raw', withoutHooks: ['raw:sys_enter'], timesCowFaults: true });
  assert.deepEqual(
    [...absentColumns(engine.hooks).keys()].toSorted(),
    ['execFailures', 'stall', ...columnsOf(missingHere)].toSorted(),
  );
  const events: unknown[] = [];
  const stop = engine.subscribe((batch) => {
    for (const event of batch) if (event.comm === comm && event.kind === 'spawn') events.push(event.stallNs);
  });
  await spawnload('--mechanism', 'fork', '--syscall', 'clone3', '--comm', comm, '--count', COUNT);
  stop();
  const row = rowOf(engine, comm);
  assert.deepEqual([row.spawns, row.syscall, total(row.stall)], [COUNT, 'clone3', 0]);
  assert.deepEqual(events, Array(COUNT).fill(undefined), 'a stall that was not measured is not zero');
});

test('a comm, a pid, a cgroup: nobody else is counted', async () => {
  const comm = uniqueComm();
  const other = uniqueComm();
  const cgroup = String(statSync(cgroupDirectory(), { bigint: true }).ino);
  using byComm = openEngine({ filter: { comm } });
  using byPid = openEngine({ filter: { pid: process.pid } });
  using byCgroup = openEngine({ filter: { cgroup } });
  using byOtherCgroup = openEngine({ filter: { cgroup: '1234567' } });
  await spawnload('--mechanism', 'fork', '--comm', comm, '--count', COUNT);
  await spawnload('--mechanism', 'fork', '--comm', other, '--count', COUNT);
  assert.deepEqual(
    byComm.snapshot().rows.map((row) => [row.comm, row.spawns]),
    [[comm, COUNT]],
  );
  assert.deepEqual(byPid.snapshot().rows, [], 'a collector does not measure itself');
  assert.deepEqual([rowOf(byCgroup, comm).spawns, rowOf(byCgroup, other).spawns], [COUNT, COUNT]);
  assert.deepEqual(byOtherCgroup.snapshot().rows, []);
});

test('rows told apart by cgroup and by pid', async () => {
  const comm = uniqueComm();
  using byCgroup = openEngine({ label: 'cgroup' });
  using byPid = openEngine({ label: 'pid' });
  const one = await spawnload('--mechanism', 'fork', '--comm', comm, '--count', COUNT);
  const two = await spawnload('--mechanism', 'fork', '--comm', comm, '--count', COUNT);
  const { ino } = statSync(cgroupDirectory(), { bigint: true });
  assert.deepEqual([rowOf(byCgroup, comm).id, rowOf(byCgroup, comm).spawns], [String(ino), 2 * COUNT]);
  assert.deepEqual(
    rowsOf(byPid, comm)
      .map((row) => row.id)
      .toSorted(),
    [one.pid, two.pid].map(String).toSorted(),
  );
});

/** Gives the cgroup of this process in the v2 hierarchy, wherever that is mounted; cgroups(7). */
function cgroupDirectory(): string {
  const mount = execFileSync('findmnt', ['-n', '-o', 'TARGET', '-t', 'cgroup2'], { encoding: 'utf8' }).split('\n')[0];
  const path = execFileSync('sed', ['-n', 's/^0:://p', `/proc/${process.pid}/cgroup`], { encoding: 'utf8' }).trim();
  return `${mount}${path}`;
}

test('descendants are followed, and only they', async () => {
  const comm = uniqueComm();
  const other = uniqueComm();
  // The filter is this shell, which becomes the parent of a generator.
  const shell = `read -r _; ${SPAWNLOAD} --mechanism fork --comm ${comm} --count ${COUNT} > /dev/null; exit 0`;
  const { spawn } = await import('node:child_process');
  const child = spawn('/bin/sh', ['-c', shell], { stdio: ['pipe', 'ignore', 'inherit'] });
  using engine = openEngine({ filter: { pid: child.pid ?? 0, follow: true } });
  await spawnload('--mechanism', 'fork', '--comm', other, '--count', COUNT);
  child.stdin.end('\n');
  await new Promise((resolve) => child.once('exit', resolve));
  assert.equal(rowOf(engine, comm).spawns, COUNT);
  assert.deepEqual(rowsOf(engine, other), []);
  assert.equal(total({ counts: engine.snapshot().rows.map((row) => row.spawns) }), COUNT + 1);
});
