/** The table has exactly what spawnload did, with every engine and every call hook. */
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { describe, test } from 'node:test';
import type { EngineEvent, SpawnEvent } from '../../../model/events.ts';
import { failuresOf, rowOf, rowsOf, settle, total, type Open } from '../../../../testing/engines.ts';
import { scaled, spawnload, uniqueComm } from '../../../../testing/spawnload.ts';

const MiB = 1 << 20;

/** The memory is smaller if forks would take seconds, and large enough that the program itself is less than 1 %. */
const rss = Math.max(128 * MiB, scaled(256) * MiB);

/** arm64 and newer architectures have neither fork nor vfork. */
const SYSCALLS = ['fork', 'vfork', 'clone', 'clone3'].filter(
  (name) => process.arch === 'x64' || name.startsWith('clone'),
);

/** Every pair of mechanism and system call that exists. libc chooses the call of its posix_spawn. */
const PAIRS = [
  ['fork', 'fork'],
  ['fork', 'clone'],
  ['fork', 'clone3'],
  ['vfork', 'vfork'],
  ['vfork', 'clone'],
  ['vfork', 'clone3'],
  ['afork', 'clone'],
  ['afork', 'clone3'],
  ['posix_spawn', undefined],
] as const;

export function testTruth(title: string, open: Open): void {
  describe(title, () => {
    test('every spawn is in its row, and in no other', async () => {
      using engine = await open();
      for (const [mechanism, syscall] of PAIRS) {
        if (syscall && !SYSCALLS.includes(syscall)) continue;
        const comm = uniqueComm();
        const count = scaled(100);
        const args = ['--mechanism', mechanism, ...(syscall ? ['--syscall', syscall] : []), '--comm', comm];
        await spawnload(...args, '--count', count);
        await settle(engine);
        const row = rowOf(engine, comm);
        const seen = [row.mechanism, row.spawns, total(row.stall), total(row.execDelay), total(row.lifetime)];
        assert.deepEqual(seen, [mechanism === 'posix_spawn' ? 'vfork' : mechanism, count, count, count, count], comm);
        if (syscall) assert.equal(row.syscall, syscall);
        else assert.match(row.syscall, /^(clone|clone3|vfork)$/);
        assert.equal(row.execStalls, count, 'each child exec’d');
        assert.ok(row.execStallNs <= row.stall.sum);
        assert.deepEqual(failuresOf(engine, comm, 'spawn'), {});
        assert.deepEqual(failuresOf(engine, comm, 'exec'), {});
      }
    });

    test('fork copies what is resident; the others nothing', async () => {
      using engine = await open();
      for (const mechanism of ['fork', 'vfork', 'afork', 'posix_spawn']) {
        const comm = uniqueComm();
        const count = scaled(20);
        const events: EngineEvent[] = [];
        const stop = engine.subscribe((batch) => void events.push(...batch));
        const report = await spawnload('--mechanism', mechanism, '--comm', comm, '--count', count, '--rss', rss);
        await settle(engine);
        stop();
        const row = rowOf(engine, comm);
        const spawns = events.filter((event): event is SpawnEvent => event.kind === 'spawn' && event.comm === comm);
        assert.equal(spawns.length, count);
        for (const spawn of spawns) {
          const copied = spawn.copiedRssBytes;
          if (mechanism !== 'fork') assert.equal(copied, 0);
          else assert.ok(Math.abs(copied / report.rssBytes.max - 1) < 0.01, `${copied} of ${report.rssBytes.max}`);
          assert.equal(spawn.copiedPageTableBytes > 0, mechanism === 'fork');
          assert.ok((spawn.copyNs ?? -1) >= 0 && (spawn.copyNs ?? 0) <= (spawn.stallNs ?? -1), 'copy is part of stall');
        }
        const sum = (field: 'copiedRssBytes' | 'copiedPageTableBytes' | 'stallNs' | 'copyNs') =>
          spawns.reduce((before, spawn) => before + (spawn[field] ?? 0), 0);
        assert.equal(row.copiedRss.sum, sum('copiedRssBytes'));
        assert.equal(row.copiedPageTableBytes, sum('copiedPageTableBytes'));
        assert.equal(row.stall.sum, sum('stallNs'));
        assert.equal(row.copyNs, sum('copyNs'));
        assert.ok(row.stall.sum <= report.stallNs.sum, 'the kernel’s part of the call is within the caller’s clock');
        // Single spawns are compared, because a busy host sometimes takes the CPU away between the kernel's clock and the caller's.
        const clocks = new Map(report.spawns.map(({ pid, stallNs }) => [pid, stallNs]));
        const shares = spawns.map(({ child, stallNs }) => (stallNs ?? 0) / (clocks.get(child) ?? Number.NaN));
        assert.ok(
          shares.every((share) => mechanism === 'posix_spawn' || share <= 1),
          shares.join(' '),
        );
        // On a busy host most of them may lose the CPU in between, but not all.
        if (mechanism === 'fork') assert.ok(Math.max(...shares) >= 0.8, shares.join(' '));
      }
    });

    test('a program that does not exist is an exec failure of its spawner', async () => {
      using engine = await open();
      const comm = uniqueComm();
      const count = scaled(50);
      await spawnload('--mechanism', 'posix_spawn', '--exec-missing', '--comm', comm, '--count', count);
      await settle(engine);
      const row = rowOf(engine, comm);
      assert.deepEqual([row.spawns, total(row.execDelay), row.execStalls], [count, 0, 0]);
      assert.deepEqual(failuresOf(engine, comm, 'exec'), { [constants.errno.ENOENT]: count });
      assert.deepEqual(failuresOf(engine, comm, 'spawn'), {});
    });

    test('a spawn that is refused is a failure, not a spawn', async () => {
      using engine = await open();
      for (const syscall of SYSCALLS.filter((name) => name !== 'vfork')) {
        const comm = uniqueComm();
        const count = scaled(50);
        const args = ['--mechanism', 'fork', '--syscall', syscall, '--nproc-limit', '--comm', comm];
        const report = await spawnload(...args, '--count', count);
        await settle(engine);
        assert.deepEqual(report.failures, { EAGAIN: count });
        assert.deepEqual(failuresOf(engine, comm, 'spawn'), { [constants.errno.EAGAIN]: count });
        assert.deepEqual(rowsOf(engine, comm), []);
      }
    });

    test('threads are not spawns', async () => {
      using engine = await open();
      const comm = uniqueComm();
      const count = scaled(40);
      await spawnload('--mechanism', 'fork', '--threads', 4, '--comm', comm, '--count', count);
      await settle(engine);
      const row = rowOf(engine, comm);
      assert.deepEqual([row.spawns, total(row.stall), total(row.lifetime)], [count, count, count]);
    });
  });
}
