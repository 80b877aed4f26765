import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { rm } from 'node:fs/promises';
import { cgroupIdOf, cgroupRoot, createCgroupNames, UNKNOWN_CGROUP } from '../../system/cgroups.ts';

// Any tree of directories will do: an id is an inode number.
const root = mkdtempSync(join(tmpdir(), 'forktax-cgroups-'));
after(() => rm(root, { recursive: true }));

function makeCgroup(path: string): string {
  mkdirSync(join(root, path), { recursive: true });
  return String(statSync(join(root, path), { bigint: true }).ino);
}

describe('names of cgroups', () => {
  it('are paths below the mount, at any depth, the root "/"', async () => {
    const service = makeCgroup('system.slice/ssh.service');
    const pod = makeCgroup('kubepods/burstable/pod1/c1');
    const top = makeCgroup('.');
    const names = createCgroupNames({ root });
    await names.resolve([service, pod, top]);
    assert.deepEqual([service, pod, top].map(names.nameOf), [
      '/system.slice/ssh.service',
      '/kubepods/burstable/pod1/c1',
      '/',
    ]);
  });

  it('stay when the cgroup goes, for ten minutes after they were last asked for', async () => {
    let nowMs = 0;
    const id = makeCgroup('session-1.scope');
    const names = createCgroupNames({ root, now: () => nowMs });
    await names.resolve([id]);
    rmdirSync(join(root, 'session-1.scope'));
    nowMs = 500_000;
    await names.resolve([id]);
    nowMs = 1_100_000;
    await names.resolve([]);
    assert.equal(names.nameOf(id), '/session-1.scope');
    nowMs = 1_100_001;
    await names.resolve([]);
    assert.equal(names.nameOf(id), UNKNOWN_CGROUP);
  });

  it('of unknown ids are one value, and not sought again for ten minutes', async () => {
    let nowMs = 0;
    const outside = mkdtempSync(join(tmpdir(), 'forktax-cgroups-'));
    const late = String(statSync(outside, { bigint: true }).ino);
    const names = createCgroupNames({ root, now: () => nowMs });
    await names.resolve([late, '1']);
    renameSync(outside, join(root, 'late'));
    nowMs = 600_000;
    await names.resolve([late, '1']);
    assert.deepEqual([late, '1'].map(names.nameOf), [UNKNOWN_CGROUP, UNKNOWN_CGROUP]);
    nowMs = 1_200_001;
    await names.resolve([]);
    await names.resolve([late]);
    assert.equal(names.nameOf(late), '/late');
  });

  it('are not sought in more directories than allowed', async () => {
    const deep = makeCgroup('a/b/c/d');
    const names = createCgroupNames({ root, maxDirectories: 2 });
    await names.resolve([deep]);
    assert.equal(names.nameOf(deep), UNKNOWN_CGROUP);
  });
});

describe('cgroupRoot', () => {
  const v2 = '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate';
  const v1 = '31 23 0:27 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids';

  it('is the mount of the v2 hierarchy, where v1 is mounted beside it too', () => {
    assert.equal(cgroupRoot(v2), '/sys/fs/cgroup');
    assert.equal(cgroupRoot(`${v1}\n${v2.replace('cgroup rw', 'cgroup/unified rw')}\n`), '/sys/fs/cgroup/unified');
    assert.equal(cgroupRoot(v2.replace('/sys/fs/cgroup', String.raw`/mnt/a\040b`)), '/mnt/a b');
  });
});

describe('cgroupIdOf', () => {
  it('takes an id, a path below the mount, and a whole path', async () => {
    const id = makeCgroup('user.slice');
    assert.equal(await cgroupIdOf('4711', root), '4711');
    for (const path of ['/user.slice', 'user.slice', join(root, 'user.slice')]) {
      assert.equal(await cgroupIdOf(path, root), id);
    }
  });

  it('says which cgroup is missing', async () => {
    await assert.rejects(cgroupIdOf('/nope', root), { code: 'FORKTAX_CONFIG', message: /no cgroup \/nope/ });
  });
});
