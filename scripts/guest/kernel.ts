/**
 * What Debian's kernels must offer, unlike some others: every hook, and all three ways to see the spawning calls. The
 * tests of what is measured are those of the live kernel, and run after this one.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openCoreEngine } from '../../collector/engine/core.ts';
import { CALL_HOOKS, DEFAULT_ENGINE_OPTIONS, type CallHook } from '../../collector/engine/engine.ts';
import { runSpawnload } from '../../native/spawnload/spawnload.ts';

const SPAWNS = 20;

test(`${readFileSync('/proc/version', 'utf8').split(' ')[2]}: fentry is what the engine chooses`, () => {
  const engine = openCoreEngine(DEFAULT_ENGINE_OPTIONS);
  assert.equal(engine.callHook, 'fentry');
  engine.close();
});

async function measure(callHook: CallHook): Promise<void> {
  const engine = openCoreEngine({ ...DEFAULT_ENGINE_OPTIONS, callHook });
  try {
    assert.deepEqual(
      engine.hooks.filter((hook) => !hook.attached),
      [],
    );
    const load = ['--mechanism', 'vfork', '--syscall', 'clone3', '--comm', 'guest', '--count', String(SPAWNS)];
    const { stallNs } = await runSpawnload(load);
    const rows = engine.snapshot().rows.filter((row) => row.comm === 'guest');
    assert.deepEqual(
      rows.map(({ mechanism, syscall, spawns }) => [mechanism, syscall, spawns]),
      [['vfork', 'clone3', SPAWNS]],
    );
    const sum = rows[0]?.stall.sum ?? 0;
    assert.ok(sum > 0 && sum <= stallNs.sum, `${sum} ns of the ${stallNs.sum} that the spawner saw`);
  } finally {
    engine.close();
  }
}

for (const callHook of CALL_HOOKS)
  test(`every hook attaches, with the calls seen by ${callHook}`, () => measure(callHook));
