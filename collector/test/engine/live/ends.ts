/** However a child ends, its spawner's row shows it, and the engine forgets the child. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EngineEvent } from '../../../model/events.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { rowOf, settle, total, type Open } from '../../../../testing/engines.ts';
import { scaled, spawnload, uniqueComm } from '../../../../testing/spawnload.ts';

const ENDS: readonly (readonly [string, readonly string[], { readonly execs: boolean }])[] = [
  ['exec from a thread that is not the leader', ['--exec-from-thread'], { execs: true }],
  ['exit without exec', ['--no-exec'], { execs: false }],
  ['killed before exec', ['--kill'], { execs: false }],
  ['failed exec', ['--exec-missing'], { execs: false }],
  [
    'exec of the spawner itself, by a thread that is not the leader',
    ['--from-thread', '--exec-after'],
    { execs: true },
  ],
  ['spawned by a thread that is not the leader', ['--from-thread'], { execs: true }],
  ['several at once', ['--threads', '4', '--live', '8'], { execs: true }],
];

/** `check` tests what else must hold when all children are gone. */
export function testEnds(name: string, open: Open, check: () => void): void {
  describe(name, () => {
    for (const [end, args, { execs }] of ENDS)
      test(end, async () => {
        const comm = uniqueComm();
        const count = scaled(40);
        using engine = await open({ filter: { comm } });
        await spawnload('--mechanism', 'fork', '--comm', comm, '--count', count, ...args);
        await settle(engine);
        const row = rowOf(engine, comm);
        const seen = [row.spawns, total(row.stall), total(row.lifetime), total(row.execDelay), row.execStalls];
        assert.deepEqual(seen, [count, count, count, execs ? count : 0, execs ? count : 0]);
        check();
        const { processesTracked, callsTracked, processesUntracked, callsUntracked } = engine.snapshot().health;
        assert.deepEqual([processesTracked, callsTracked, processesUntracked, callsUntracked], [0, 0, 0, 0]);
      });

    test('threads that end at the same moment: one lifetime, one event', async () => {
      const comm = uniqueComm();
      const count = scaled(10_000); // one in a hundred or so ends twice where the kernel's count of live threads decides
      // The ring has room for all events, and page faults, which bpftrace may lose where it waits for a CPU, are left out.
      const room = { ringBytes: 1 << 23, withoutHooks: ['page_fault_user'] };
      using engine = await open({ filter: { comm }, ...room });
      const exits: EngineEvent[] = [];
      engine.subscribe((events) => void exits.push(...events.filter(({ kind }) => kind === 'exit')));
      await spawnload('--mechanism', 'fork', '--end-together', '--comm', comm, '--count', count);
      await settle(engine);
      const deadline = Date.now() + 60_000;
      while (exits.length < count && Date.now() < deadline) await sleep(50);
      const row = rowOf(engine, comm);
      const { eventsLost } = engine.snapshot().health;
      assert.deepEqual([row.spawns, total(row.lifetime), exits.length, eventsLost], [count, count, count, 0]);
    });
  });
}
