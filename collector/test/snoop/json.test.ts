import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOST_FIELDS, SPAWN_FIELDS, SUMMARY_FIELDS, lostRecord, spawnRecord, summaryRecord } from '../../snoop/json.ts';
import { SpawnSummary } from '../../snoop/summary.ts';
import { fakeSpawn } from '../../../testing/fake-engine.ts';

const id = 'c'.repeat(64);
const uid = '3f5a2c1e-9b7d-4e6f-8a1b-2c3d4e5f6a7b';
const slice = `kubepods-pod${uid.replaceAll('-', '_')}.slice`;
const cgroupPath = `/kubepods.slice/${slice}/cri-containerd-${id}.scope`;
const spawn = fakeSpawn({ atMs: 1_800_000_000_000.25, cgroupPath });
const commandLine = { words: ['true', 'a b'], cut: true };
const ancestry = { chain: [{ pid: 7, comm: 'sh' }], cut: true };
const child = { ...spawn, file: '/bin/true', delayNs: 7, errno: 2, lifetimeNs: 9, status: 3, execSeen: false };

test('a record has the documented fields', () => {
  const exec = spawnRecord({
    spawn,
    outcome: 'exec',
    exec: { ...child, kind: 'exec' },
    failedExecs: 2,
    lastFailure: { ...child, kind: 'exec-failure', file: '/bin/gti' },
  });
  assert.deepEqual(exec, {
    schema: 2,
    type: 'spawn',
    time: '2027-01-15T08:00:00.000250Z',
    pid: 100,
    tid: 100,
    comm: 'node',
    mechanism: 'fork',
    syscall: 'clone',
    cgroup: cgroupPath,
    cgroup_id: '1',
    unit: `cri-containerd-${id}.scope`,
    container: id,
    runtime: 'containerd',
    pod_uid: uid,
    child: 200,
    stall_ns: 3_000_000,
    copy_ns: 2_000_000,
    sibling_wait_ns: 2_000_000,
    copied_rss_bytes: 1_048_576,
    copied_page_table_bytes: 4096,
    outcome: 'exec',
    file: '/bin/true',
    exec_delay_ns: 7,
    errno: 'ENOENT',
    failed_execs: 2,
  });
  const failed = spawnRecord({
    spawn,
    outcome: 'exec-failed',
    failedExecs: 1,
    lastFailure: { ...child, kind: 'exec-failure', file: '/bin/gti' },
    exit: { ...child, kind: 'exit' },
  });
  assert.deepEqual([failed.file, failed.exit_status, failed.lifetime_ns], ['/bin/gti', 3, 9]);
  const asked = spawnRecord({
    spawn: { ...spawn, ancestry },
    outcome: 'exec',
    exec: { ...child, kind: 'exec', commandLine },
    failedExecs: 0,
  });
  assert.deepEqual(
    [asked.args, asked.args_cut, asked.ancestors, asked.ancestors_cut],
    [['true', 'a b'], true, [{ pid: 7, comm: 'sh' }], true],
  );
  const seen = new Set([exec, failed, asked].flatMap((record) => Object.keys(record)));
  assert.deepEqual([...seen].toSorted(), Object.keys(SPAWN_FIELDS).toSorted());
});

test('what was not measured is absent, not zero', () => {
  const { stallNs: _stall, copyNs: _copy, siblingWaitNs: _siblings, cgroupPath: _path, ...unseen } = spawn;
  const record = spawnRecord({ spawn: unseen, outcome: 'running', failedExecs: 0 });
  for (const field of [
    'stall_ns',
    'copy_ns',
    'sibling_wait_ns',
    'cgroup',
    'unit',
    'container',
    'file',
    'errno',
    'failed_execs',
    'exit_status',
  ]) {
    assert.ok(!(field in record), field);
  }
});

test('a failed call has no child', () => {
  const record = spawnRecord({
    spawn: { ...child, kind: 'spawn-failure', stallNs: 5, errno: 11 },
    outcome: 'spawn-failed',
    failedExecs: 0,
  });
  assert.deepEqual([record.errno, record.stall_ns, 'child' in record], ['EAGAIN', 5, false]);
});

test('the summary has the documented fields, and only mechanisms that were seen', () => {
  const summary = new SpawnSummary();
  summary.add(spawn);
  summary.add({ ...spawn, stallNs: 1_000_000 });
  summary.add({ ...child, kind: 'exec-failure' });
  const record = summaryRecord(summary, { ns: 5e9, endMs: 1_700_000_000_000.25, eventsLost: 3, countedSpawns: 4 });
  assert.deepEqual(Object.keys(record).toSorted(), Object.keys(SUMMARY_FIELDS).toSorted());
  assert.deepEqual(Object.keys(record.mechanisms ?? {}), ['fork']);
  assert.equal(record.time, '2023-11-14T22:13:20.000250Z');
  assert.deepEqual(record.failed_execs, { ENOENT: 1 });
  assert.deepEqual(record.spawners, [
    { comm: 'node', spawns: 2, stall_sum_ns: 4_000_000, stall_max_ns: 3_000_000, pid: 100 },
  ]);
  const { counted_spawns: counted } = summaryRecord(summary, { ns: 5e9, endMs: 1_700_000_000_000.25, eventsLost: 3 });
  assert.equal(counted, undefined);
  assert.deepEqual(Object.keys(lostRecord(1, 1_700_000_000_000)), Object.keys(LOST_FIELDS));
});
