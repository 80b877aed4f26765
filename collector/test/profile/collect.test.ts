/** Stacks and spawns are collected; the bytes of stacks are wiped, and a memory map is kept while it is needed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collect } from '../../profile/collect.ts';
import type { Unwinder } from '../../profile/stack-queue.ts';
import type { CallStack } from '../../model/call-stack.ts';
import type { Engine } from '../../model/engine.ts';
import type { EngineEvent } from '../../model/events.ts';
import type { Unwound } from '../../model/frames.ts';
import { createFakeEngine, fakeSpawn } from '../../../testing/fake-engine.ts';
import { BUILD, complete } from '../sites/fixture.ts';

const stackOf = (id: number, pid = 100, cgroup = '1'): CallStack => ({
  id,
  pid,
  tid: pid,
  cgroup,
  stackStart: 0n,
  registers: Uint8Array.of(1, 2, 3),
  stack: Uint8Array.of(4, 5, 6),
});

const BEFORE = { overLimit: 10, ringFull: 20, unreadable: 30 };

const isWiped = ({ registers, stack }: CallStack): boolean => [...registers, ...stack].every((byte) => byte === 0);

function fakeWithStacks() {
  const engine = createFakeEngine();
  // What was lost before is told at first.
  let asked = 0;
  const receivers = new Set<(stacks: readonly CallStack[]) => void>();
  const copying: Engine = Object.assign(engine, {
    subscribeStacks(onStacks: (stacks: readonly CallStack[]) => void) {
      receivers.add(onStacks);
      return () => receivers.delete(onStacks);
    },
    stackLosses: () => (asked++ === 0 ? BEFORE : { overLimit: 14, ringFull: 25, unreadable: 36 }),
  });
  return {
    engine: copying,
    emit: (...events: EngineEvent[]) => engine.emit(...events),
    copy: (...stacks: CallStack[]) => {
      for (const receive of receivers) receive(stacks);
    },
    receivers,
  };
}

/** An unwinder whose answers the test gives. */
function fakeUnwinder() {
  const calls: string[] = [];
  const answers: ((unwound: Unwound) => void)[] = [];
  const unwinder: Unwinder = {
    meet: (pid) => void calls.push(`meet ${pid}`),
    forget: (pid) => void calls.push(`forget ${pid}`),
    unwind: ({ id, stack }) => {
      assert.deepEqual([...stack], [4, 5, 6], 'the bytes are there while they are needed');
      calls.push(`unwind ${id}`);
      return new Promise((resolve) => void answers.push(resolve));
    },
  };
  return { unwinder, calls, answers };
}

const SETTINGS = { aforkCostNs: 25_000 };
const exit = (child: number): EngineEvent => ({
  ...fakeSpawn({ child }),
  kind: 'exit',
  lifetimeNs: 1,
  status: 0,
  execSeen: false,
});

test('joins spawns and stacks, wipes each stack after use, and passes losses on', async () => {
  const { engine, emit, copy, receivers } = fakeWithStacks();
  const { unwinder, answers } = fakeUnwinder();
  const stop = new AbortController();
  const collecting = collect(engine, unwinder, SETTINGS, stop.signal);
  const stacks = [stackOf(1), stackOf(2)];
  copy(...stacks);
  emit(fakeSpawn({ stack: 1 }), fakeSpawn({ stack: 2, child: 201 }), fakeSpawn({ child: 202 }));
  stop.abort();
  await new Promise(setImmediate);
  assert.equal(receivers.size, 0);
  assert.ok(!stacks.some(isWiped), 'the unwinder still needs them');
  for (const answer of answers) answer(complete(BUILD));
  const { sites, losses } = await collecting;
  assert.ok(stacks.every(isWiped));
  assert.deepEqual(losses, { overLimit: 4, ringFull: 5, unreadable: 6 });
  assert.deepEqual(
    sites.map(({ end, spawns }) => [end, spawns]),
    [
      ['complete', 2],
      ['not-sampled', 1],
    ],
  );
});

test('forgets a process that ended, when its last stack is unwound', async () => {
  const { engine, emit, copy } = fakeWithStacks();
  const { unwinder, calls, answers } = fakeUnwinder();
  const stop = new AbortController();
  const collecting = collect(engine, unwinder, SETTINGS, stop.signal);
  copy(stackOf(1, 300));
  emit(exit(300), exit(301));
  assert.deepEqual(calls, ['meet 300', 'unwind 1', 'forget 301']);
  answers[0]?.(complete(BUILD));
  stop.abort();
  await collecting;
  assert.equal(calls.at(-1), 'forget 300');
});

test('unwinds nothing of a cgroup that is not wanted', async () => {
  const { engine, emit, copy } = fakeWithStacks();
  const { unwinder, calls } = fakeUnwinder();
  const stop = new AbortController();
  const settings = { ...SETTINGS, isWanted: (_pid: number, cgroup: string) => cgroup === '2' };
  const collecting = collect(engine, unwinder, settings, stop.signal);
  const unwanted = stackOf(1);
  copy(unwanted);
  emit(fakeSpawn({ stack: 1 }), fakeSpawn({ cgroup: '2', stallNs: 5 }));
  stop.abort();
  const { sites } = await collecting;
  assert.deepEqual(calls, []);
  assert.ok(isWiped(unwanted));
  assert.deepEqual(
    sites.map(({ stallNs }) => stallNs),
    [5],
  );
});

test('stacks that the unwinder has no time for are wiped, and told as such', async () => {
  const { engine, emit, copy } = fakeWithStacks();
  const { unwinder, answers } = fakeUnwinder();
  const stop = new AbortController();
  const collecting = collect(engine, unwinder, SETTINGS, stop.signal);
  const stacks = Array.from({ length: 1002 }, (_, index) => stackOf(index + 1));
  copy(...stacks);
  assert.deepEqual(
    stacks.flatMap((stack) => (isWiped(stack) ? [stack.id] : [])),
    [1001, 1002],
  );
  emit(...stacks.map(({ id }) => fakeSpawn({ stack: id, child: 1000 + id })));
  for (const answer of answers) answer(complete(BUILD));
  stop.abort();
  const { sites } = await collecting;
  assert.deepEqual(
    sites.map(({ end, spawns }) => [end, spawns]),
    [
      ['complete', 1000],
      ['busy', 2],
    ],
  );
});
