/** The stacks of spawning threads: one for each call, only while somebody asks, and no more a second than may be. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { openEngine as openChosen } from '../../../engine/open.ts';
import type { CallStack } from '../../../model/call-stack.ts';
import type { Engine } from '../../../model/engine.ts';
import type { EngineEvent } from '../../../model/events.ts';
import { DEFAULT_ENGINE_OPTIONS } from '../../../model/options.ts';
import { availableWays, openEngine } from '../../../../testing/engines.ts';
import { scaled, spawnload, uniqueComm } from '../../../../testing/spawnload.ts';

const COUNT = scaled(60);
const MANY = 100_000;
/** The place of the stack pointer among the registers. */
const SP_AT = process.arch === 'x64' ? 152 : 248;
const REGISTER_BYTES = process.arch === 'x64' ? 168 : 272;

type Call = Extract<EngineEvent, { kind: 'spawn' | 'spawn-failure' }>;

/** Runs spawnload and gives the events of its calls, and all stacks. */
async function watch(engine: Engine, ...args: (string | number)[]) {
  const stacks: CallStack[] = [];
  const calls: Call[] = [];
  const comm = uniqueComm();
  const stopStacks = engine.subscribeStacks?.((batch) => void stacks.push(...batch));
  const stopEvents = engine.subscribe((events) => {
    for (const event of events)
      if (event.comm === comm && (event.kind === 'spawn' || event.kind === 'spawn-failure')) calls.push(event);
  });
  await spawnload('--comm', comm, '--count', COUNT, ...args);
  stopEvents();
  stopStacks?.();
  return { stacks, calls, comm };
}

for (const callHook of availableWays())
  describe(`seen by ${callHook}`, () => {
    for (const bytes of [4096, 16_384, 65_536])
      test(`each call has its stack, of up to ${bytes} bytes`, async () => {
        using engine = openEngine({ callHook, stacks: { bytes, perSecond: MANY } });
        const { stacks, calls } = await watch(engine, '--mechanism', 'fork');
        assert.equal(calls.length, COUNT);
        const byId = new Map(stacks.map((stack) => [stack.id, stack]));
        assert.equal(byId.size, stacks.length, 'every id once');
        for (const call of calls) {
          const stack = byId.get(call.stack ?? 0);
          assert.ok(stack, 'the stack of the call');
          assert.deepEqual([stack.pid, stack.tid, stack.cgroup], [call.pid, call.tid, call.cgroup]);
          assert.equal(stack.registers.length, REGISTER_BYTES);
          const sp = Buffer.from(stack.registers).readBigUInt64LE(SP_AT);
          assert.ok(stack.stackStart <= sp && sp < stack.stackStart + BigInt(stack.stack.length), 'it holds the top');
          assert.ok(stack.stack.length <= bytes);
          assert.ok(stack.stack.some((byte) => byte !== 0));
        }
        assert.deepEqual(engine.stackLosses?.(), { overLimit: 0, ringFull: 0, unreadable: 0 });
      });

    test('a call that fails has one too', async () => {
      using engine = openEngine({ callHook, stacks: { bytes: 4096, perSecond: MANY } });
      const { stacks, calls } = await watch(engine, '--mechanism', 'fork', '--nproc-limit');
      assert.equal(calls.length, COUNT);
      const ids = new Set(stacks.map(({ id }) => id));
      assert.ok(calls.every(({ kind, stack }) => kind === 'spawn-failure' && ids.has(stack ?? 0)));
    });
  });

test('no more stacks a second than may be; the rest is counted, and measured as ever', async () => {
  const comm = uniqueComm();
  using engine = openEngine({ filter: { comm }, stacks: { bytes: 4096, perSecond: 3 } });
  const [stacks, calls]: [CallStack[], Call[]] = [[], []];
  engine.subscribeStacks?.((batch) => void stacks.push(...batch));
  engine.subscribe((events) => void calls.push(...events.filter((event) => event.kind === 'spawn')));
  const { elapsedNs } = await spawnload('--comm', comm, '--count', COUNT, '--mechanism', 'vfork');
  await sleep(200);
  const sampled = calls.filter(({ stack }) => stack !== undefined);
  assert.equal(calls.length, COUNT);
  assert.deepEqual(sampled.map(({ stack }) => stack).toSorted(), stacks.map(({ id }) => id).toSorted());
  assert.equal(engine.stackLosses?.().overLimit, COUNT - stacks.length);
  // One more second may have begun before the first call, and one after the last.
  assert.ok(stacks.length >= 3 && stacks.length <= 3 * (Math.floor(elapsedNs / 1e9) + 2), `${stacks.length}`);
  assert.ok(calls.every(({ stallNs = 0 }) => stallNs > 0));
});

test('nobody asks: no stack is copied', async () => {
  using engine = openEngine({ stacks: { bytes: 4096, perSecond: MANY } });
  const comm = uniqueComm();
  const calls: EngineEvent[] = [];
  const stop = engine.subscribe((events) => void calls.push(...events.filter((event) => event.comm === comm)));
  engine.subscribeStacks?.(() => {})();
  await spawnload('--comm', comm, '--count', COUNT, '--mechanism', 'fork');
  stop();
  assert.ok(calls.length >= COUNT && calls.every((event) => !('stack' in event)));
});

test('an engine that was not opened for stacks has none', async () => {
  using engine = openEngine();
  assert.ok(!engine.subscribeStacks && !engine.stackLosses);
  const { calls } = await watch(engine, '--mechanism', 'fork');
  assert.ok(calls.length === COUNT && calls.every((call) => !('stack' in call)));
});

test('bpftrace cannot copy stacks, and says so', async () => {
  const options = { ...DEFAULT_ENGINE_OPTIONS, stacks: { bytes: 4096, perSecond: 1 } };
  await assert.rejects(
    openChosen('bpftrace', options, () => {}),
    { code: 'FORKTAX_NO_STACKS' },
  );
});
