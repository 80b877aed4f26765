/** Spawns are folded by their call stack, and none is dropped. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CallSites } from '../../model/call-sites.ts';
import { BUILD, complete, frame, line } from './fixture.ts';

const OPTIONS = { aforkCostNs: 25_000 };

test('the same stack is one site, whichever of stack and spawn comes first, and wherever its file is mapped', () => {
  const calls = new CallSites(OPTIONS);
  calls.addStack(1, complete(BUILD));
  calls.addSpawn(line({ stack: 1, stallNs: 1_000_000, copiedRssBytes: 100 }));
  calls.addSpawn(line({ stack: 2, stallNs: 2_000_000, copiedRssBytes: 50 }));
  calls.addStack(2, complete(BUILD.map((each) => ({ ...each, address: each.address + 4096n }))));
  const [site, ...others] = calls.finish();
  assert.deepEqual(others, []);
  assert.deepEqual(site?.frames, BUILD);
  const { spawns, stallNs, copiedBytes, avoidableNs, failures } = site;
  assert.deepEqual([spawns, stallNs, copiedBytes, avoidableNs, failures], [2, 3_000_000, 150, 2_950_000, 0]);
});

test('another line, function or spawner is another site; the costliest comes first', () => {
  const calls = new CallSites(OPTIONS);
  const stacks = [BUILD, BUILD.with(3, frame('build', 0x108, { file: '/src/build.c', line: 41 })), BUILD.slice(1)];
  for (const [index, frames] of stacks.entries()) {
    calls.addStack(index + 1, complete(frames));
    calls.addSpawn(line({ stack: index + 1, stallNs: 1000 * (index + 1) }));
  }
  calls.addStack(4, complete(BUILD));
  calls.addSpawn(line({ stack: 4, stallNs: 500, comm: 'other' }));
  assert.deepEqual(
    calls.finish().map(({ comm, stallNs }) => [comm, stallNs]),
    [
      ['app', 3000],
      ['app', 2000],
      ['app', 1000],
      ['other', 500],
    ],
  );
});

test('only what afork would have saved is avoidable', () => {
  const calls = new CallSites(OPTIONS);
  calls.addSpawn(line({ stallNs: 24_999 }));
  calls.addSpawn(line({ stallNs: 100_000 }, 'no-exec'));
  calls.addSpawn(line({ stallNs: 125_000 }));
  assert.equal(calls.finish()[0]?.avoidableNs, 100_000);
});

test('a call without a stack, one whose stack is lost, and one with half a stack are told as such', () => {
  const calls = new CallSites(OPTIONS);
  calls.addSpawn(line({ stallNs: 3 }));
  calls.addSpawn(line({ stack: 7, stallNs: 2 }));
  calls.addSpawn(line({ stack: 8, stallNs: 1 }));
  calls.addStack(8, { frames: BUILD.slice(0, 3), end: 'stack-too-short' });
  assert.deepEqual(
    calls.finish().map(({ end, frames, spawns }) => [end, frames.length, spawns]),
    [
      ['not-sampled', 0, 1],
      ['stack-lost', 0, 1],
      ['stack-too-short', 3, 1],
    ],
  );
});

test('a failed call counts only as a failure', () => {
  const calls = new CallSites(OPTIONS);
  calls.addStack(1, complete(BUILD));
  const {
    child: _child,
    copyNs: _copy,
    copiedRssBytes: _rss,
    copiedPageTableBytes: _tables,
    ...spawn
  } = line({}).spawn as never as Record<string, never>;
  calls.addSpawn({
    spawn: { ...(spawn as object), kind: 'spawn-failure', errno: 11, stallNs: 5000, stack: 1 } as never,
    outcome: 'spawn-failed',
    failedExecs: 0,
  });
  const [site] = calls.finish();
  assert.deepEqual([site?.spawns, site?.failures, site?.stallNs, site?.frames.length], [0, 1, 0, BUILD.length]);
});

test('stacks beyond the capacity are one site for each spawner, and nothing is dropped', () => {
  const calls = new CallSites({ ...OPTIONS, capacity: 10 });
  for (let id = 1; id <= 100; id++) {
    calls.addStack(id, complete([frame(`f${id}`, id), ...BUILD]));
    calls.addSpawn(line({ stack: id, stallNs: 1000, comm: id % 2 ? 'odd' : 'even' }));
  }
  const sites = calls.finish();
  assert.equal(sites.length, 12);
  assert.equal(
    sites.reduce((sum, { spawns }) => sum + spawns, 0),
    100,
  );
  assert.deepEqual(
    sites.filter(({ end }) => end === 'other').map(({ comm, spawns }) => [comm, spawns]),
    [
      ['odd', 45],
      ['even', 45],
    ],
  );
});

test('what a script tells is the call site, whether it comes early or late, and with a stack or without', () => {
  const script = [{ address: 0n, how: 'script', symbol: 'lint', file: '/app/lint.js', line: 4 }];
  const native = [frame('uv_spawn', 1), { address: 5n, how: 'frame-pointer' }, frame('main', 3)];
  for (const arrives of [true, false]) {
    let hasCome = arrives;
    const calls = new CallSites({
      ...OPTIONS,
      scriptOf: ({ kind, pid }) => (hasCome && kind === 'spawn' && pid !== 7 ? script : undefined),
    });
    calls.addStack(1, complete(native));
    calls.addStack(2, complete(native));
    calls.addSpawn(line({ stack: 1 }));
    calls.addSpawn(line({}));
    calls.addSpawn(line({ stack: 2, pid: 7 }));
    hasCome = true;
    assert.deepEqual(
      calls.finish().map(({ spawns, frames, end }) => [spawns, frames.map(({ symbol }) => symbol), end]),
      [
        [2, ['lint'], 'complete'],
        [1, ['uv_spawn', undefined, 'main'], 'complete'],
      ],
    );
  }
});

test('a script is asked only for stacks that an interpreter may have made', () => {
  let asked = 0;
  const calls = new CallSites({ ...OPTIONS, scriptOf: () => void asked++ });
  calls.addStack(1, complete([frame('fork', 1), frame('main', 2)]));
  calls.addSpawn(line({ stack: 1 }));
  calls.finish();
  assert.equal(asked, 0);
  for (const [index, name] of ['Builtins_CEntry', 'v8::internal::Builtin_HandleApiCall(int)'].entries()) {
    calls.addStack(index + 2, complete([frame('fork', 1), frame(name, 3), frame('main', 2)]));
    calls.addSpawn(line({ stack: index + 2 }));
    assert.equal(asked, index + 1, name);
  }
});
