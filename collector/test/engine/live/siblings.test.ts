/** Waits of sibling threads are within what the siblings themselves measure. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EngineEvent } from '../../../model/events.ts';
import { availableWays, openEngine, rowOf, settle, total } from '../../../../testing/engines.ts';
import { scaled, spawnload, uniqueComm } from '../../../../testing/spawnload.ts';

const COUNT = scaled(50);
/** A fork of this takes longer than a turn of a sibling, on every machine. */
const MEMORY = ['--rss', Math.max(64, scaled(128)) << 20, '--no-exec', '--count', COUNT, '--rate', scaled(50)];

/**
 * In an emulated machine, a probe may stand still for milliseconds between two of its steps, and a waiting thread may spin as long: how much
 * of the time is seen depends on the host.
 */
const isEmulated = scaled(50) !== 50;
/** The part of the time in which siblings neither ran nor wanted a CPU that must be seen. Each of their turns has other sleeps. */
const LEAST = isEmulated ? 0 : 0.5;
const SLACK_NS = isEmulated ? 10_000_000 : 100_000;

/** Faulting siblings wait for the lock as readers, and those that map as writers too. */
const WORK = [
  ['that fault', []],
  ['that map', ['--siblings-map']],
] as const;

for (const [index, callHook] of availableWays().entries())
  describe(`seen by ${callHook}`, () => {
    for (const siblings of index === 0 ? [1, 2, 8] : [8])
      for (const [name, flags] of WORK)
        test(`${siblings} siblings ${name} wait for forks as long as they say`, async () => {
          using engine = openEngine({ callHook });
          const comm = uniqueComm();
          const events: EngineEvent[] = [];
          const stop = engine.subscribe((batch) => void events.push(...batch.filter((each) => each.comm === comm)));
          const load = ['--mechanism', 'fork', '--siblings', siblings, ...flags, '--comm', comm, ...MEMORY];
          const { siblings: own } = await spawnload(...load);
          await settle(engine);
          stop();
          const { siblingWait, stall } = rowOf(engine, comm);
          assert.equal(total(stall), COUNT);
          // While it waits, a sibling neither runs nor wants a CPU. Once it may go on, it may have to wait for a CPU.
          assert.ok(siblingWait.sum <= own.stoodStillNs, `${siblingWait.sum} of ${own.stoodStillNs}`);
          assert.ok(siblingWait.sum >= LEAST * own.blockedNs, `${siblingWait.sum} of ${own.blockedNs}`);
          // One that maps may spin all the while in an emulated machine.
          const isSeen = !isEmulated || siblings > 1 || flags.length === 0;
          if (isSeen) assert.ok(total(siblingWait) > 0);
          const spawns = events.filter((event) => event.kind === 'spawn');
          const within = spawns.map(({ siblingWaitNs = Number.NaN }) => siblingWaitNs);
          assert.equal(within.length, COUNT);
          // Only the sum is bounded: a wait that ends in the microsecond in which a call begins is one of either side.
          const [waits, stalls] = [sum(within), sum(spawns.map(({ stallNs = 0 }) => stallNs))];
          assert.ok(Math.min(...within) >= 0);
          assert.ok(waits <= siblings * (stalls + COUNT * SLACK_NS), `${waits} within ${stalls}`);
          if (isSeen) assert.ok(Math.max(...within) > 0);
        });

    for (const mechanism of ['vfork', 'afork', 'posix_spawn'])
      test(`nobody waits for a ${mechanism}, although siblings wait for each other`, async () => {
        using engine = openEngine({ callHook });
        const comm = uniqueComm();
        const events: EngineEvent[] = [];
        const stop = engine.subscribe((batch) => void events.push(...batch.filter((each) => each.comm === comm)));
        const siblings = ['--siblings', 8, '--siblings-map'];
        await spawnload('--mechanism', mechanism, ...siblings, '--comm', comm, '--count', COUNT, '--rate', scaled(50));
        await settle(engine);
        stop();
        const { siblingWait } = rowOf(engine, comm);
        assert.deepEqual([total(siblingWait), siblingWait.sum], [0, 0]);
        const spawns = events.filter((event) => event.kind === 'spawn');
        assert.deepEqual(new Set(spawns.map(({ siblingWaitNs }) => siblingWaitNs)), new Set([0]));
      });
  });

test('waits of siblings for each other are not charged to a spawner that has forked', async () => {
  using engine = openEngine();
  const comm = uniqueComm();
  const load = ['--count', 2, '--rate', 1, '--rss', 64 << 20, '--no-exec', '--siblings', 8, '--siblings-map'];
  const { siblings } = await spawnload('--mechanism', 'fork', '--comm', comm, ...load);
  await settle(engine);
  const { siblingWait } = rowOf(engine, comm);
  assert.ok(siblingWait.sum <= siblings.stoodStillNs, `${siblingWait.sum} of ${siblings.stoodStillNs}`);
  assert.ok(total(siblingWait) <= 2 * 8 * 3, `${total(siblingWait)} waits: each sibling has a few for each fork`);
});

test('a spawner without siblings has none that wait', async () => {
  using engine = openEngine();
  const comm = uniqueComm();
  await spawnload('--mechanism', 'fork', '--comm', comm, ...MEMORY);
  await settle(engine);
  assert.equal(total(rowOf(engine, comm).siblingWait), 0);
  assert.equal(engine.snapshot().health.siblingWaitsUntracked, 0);
});

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
