import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { SpawnerCgroups, parseProcCgroup } from '../../system/spawner-cgroups.ts';

// Any trees of directories will do.
const top = mkdtempSync(join(tmpdir(), 'forktax-spawner-cgroups-'));
after(() => rmSync(top, { recursive: true }));
let [root, proc] = ['', ''];
let nowMs = 0;

beforeEach(() => {
  const own = mkdtempSync(join(top, 'host-'));
  [root, proc] = [join(own, 'cgroup'), join(own, 'proc')];
  for (const directory of [root, proc]) mkdirSync(directory);
  nowMs = 0;
});

const open = () => new SpawnerCgroups({ root, proc, now: () => nowMs });
const idOf = (path: string) => String(statSync(join(root, path), { bigint: true }).ino);
function makeCgroup(path: string): string {
  mkdirSync(join(root, path), { recursive: true });
  return idOf(path);
}
function makeProcess(pid: number, cgroup: string): void {
  mkdirSync(join(proc, String(pid)), { recursive: true });
  writeFileSync(join(proc, String(pid), 'cgroup'), cgroup);
}

test('a cgroup that is there at the start is known, also when it and its processes have gone', () => {
  const id = makeCgroup('/system.slice/a.service');
  const cgroups = open();
  rmdirSync(join(root, 'system.slice/a.service'));
  assert.equal(cgroups.pathOf(1, id), '/system.slice/a.service');
  assert.ok([...cgroups.paths].includes('/system.slice/a.service'));
});

test('a later one is learnt from a process of it, and believed only if it has that id', () => {
  const cgroups = open();
  const id = makeCgroup('/late');
  makeProcess(7, '0::/late\n');
  assert.equal(cgroups.pathOf(7, id), '/late');
  makeProcess(7, '0::/moved\n');
  rmdirSync(join(root, 'late'));
  assert.equal(cgroups.pathOf(7, id), '/late', 'it is kept by its id');
  assert.equal(cgroups.pathOf(8, '4711'), undefined);
});

test('a path that cannot be reached from here ends nothing', () => {
  const cgroups = open();
  const path = `/${'x'.repeat(300)}`;
  makeProcess(7, `0::${path}\n`);
  assert.equal(cgroups.pathOf(7, '4711'), path);
});

test('without a process, it is sought in the tree, once a second', () => {
  const cgroups = open();
  const id = makeCgroup('/late');
  assert.equal(cgroups.pathOf(7, id), undefined);
  nowMs = 1000;
  assert.equal(cgroups.pathOf(7, id), '/late');
});

test('on a host of cgroup v1, where all are in the root, the process tells, and is believed after its end', () => {
  const cgroups = open();
  makeProcess(7, `9:name=systemd:/system.slice/a.service\n0::/\n`);
  assert.equal(cgroups.pathOf(7, idOf('/')), '/system.slice/a.service');
  rmSync(join(proc, '7'), { recursive: true });
  assert.equal(cgroups.pathOf(7, idOf('/')), '/system.slice/a.service');
  assert.equal(cgroups.pathOf(8, idOf('/')), '/');
});

test('such a process is asked at most ten times a second', () => {
  const cgroups = open();
  makeProcess(7, '1:name=systemd:/first\n0::/\n');
  assert.equal(cgroups.pathOf(7, idOf('/')), '/first');
  makeProcess(7, '1:name=systemd:/second\n0::/\n');
  nowMs = 99;
  assert.equal(cgroups.pathOf(7, idOf('/')), '/first');
  nowMs = 100;
  assert.equal(cgroups.pathOf(7, idOf('/')), '/second');
});

test('of several hierarchies the one that says most is taken', () => {
  const id = 'ab'.repeat(32);
  const lines = ['8:pids:/', `4:memory:/docker/${id}`, '1:name=systemd:/system.slice/docker.service', '0::/'];
  assert.deepEqual(parseProcCgroup(lines.join('\n')), { unified: '/', best: `/docker/${id}` });
  assert.deepEqual(parseProcCgroup(lines.slice(2).join('\n')).best, '/system.slice/docker.service');
  assert.deepEqual(parseProcCgroup('0::/user.slice\n'), { unified: '/user.slice', best: '/user.slice' });
  assert.deepEqual(parseProcCgroup(''), { unified: undefined, best: '/' });
});
