/**
 * Debian's kernels must have every hook of their architecture and all three call hooks. arm64 has fentry since 6.4. The tests
 * of measurements are those for the live kernel, and run after this one.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openCoreEngine } from '../../collector/engine/core/engine.ts';
import { CALL_HOOKS, type CallHook } from '../../collector/model/hooks.ts';
import { DEFAULT_ENGINE_OPTIONS } from '../../collector/model/options.ts';
import { impossibleHooks } from '../../collector/engine/core/hooks.ts';
import { runSpawnload } from '../../native/spawnload/spawnload.ts';

const SPAWNS = 20;
const release = readFileSync('/proc/version', 'utf8').split(' ')[2] ?? '';
const [major = 0, minor = 0] = release.split('.').map(Number);
const hasFentry = process.arch === 'x64' || major > 6 || (major === 6 && minor >= 4);
const ways = CALL_HOOKS.filter((callHook) => callHook !== 'fentry' || hasFentry);

test(`${release}: ${ways[0]} is what the engine chooses`, () => {
  const engine = openCoreEngine(DEFAULT_ENGINE_OPTIONS);
  assert.equal(engine.callHook, ways[0]);
  engine.close();
});

async function measure(callHook: CallHook): Promise<void> {
  const engine = openCoreEngine({ ...DEFAULT_ENGINE_OPTIONS, callHook, timesCowFaults: true });
  try {
    const missing = engine.hooks.filter((hook) => !hook.attached).map(({ name, reason }) => [name, reason]);
    assert.deepEqual(missing, [...impossibleHooks(process.arch)]);
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

for (const callHook of ways) test(`every hook attaches, with the calls seen by ${callHook}`, () => measure(callHook));
