/** The page faults after a spawn are exactly those that the generator caused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { impossibleHooks } from '../../../engine/core/hooks.ts';
import { rowOf, settle, type Open } from '../../../../testing/engines.ts';
import { scaled, spawnload, uniqueComm } from '../../../../testing/spawnload.ts';

const PAGES = 2000;
const RSS = 16 << 20;

const skip = impossibleHooks(process.arch).get('page_fault_user') ?? false;

const within1Percent = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual / expected - 1) < 0.01, `${actual}, not ${expected}`);

export function testFaults(open: Open): void {
  test('what the parent writes while its child lives are its CoW faults', { skip }, async () => {
    using engine = await open();
    const comm = uniqueComm();
    const count = scaled(20);
    await spawnload('--mechanism', 'fork', '--comm', comm, '--count', count, '--rss', RSS, '--parent-touch', PAGES);
    await settle(engine, { faults: true });
    const row = rowOf(engine, comm);
    within1Percent(row.cowFaultsParent, PAGES * count);
    assert.ok(row.cowFaultsChild < 0.01 * PAGES * count);
  });

  test('what the child writes before its exec are its CoW faults', { skip }, async () => {
    using engine = await open();
    const comm = uniqueComm();
    const count = scaled(20);
    await spawnload('--mechanism', 'fork', '--comm', comm, '--count', count, '--rss', RSS, '--child-touch', PAGES);
    await settle(engine, { faults: true });
    const row = rowOf(engine, comm);
    within1Percent(row.cowFaultsChild, PAGES * count);
    within1Percent(row.childFaults, PAGES * count);
    assert.ok(row.cowFaultsParent < 0.01 * PAGES * count);
  });

  test('a vfork copies nothing on write, but what its child touches first is counted', { skip }, async () => {
    using engine = await open();
    const comm = uniqueComm();
    const count = scaled(20);
    await spawnload('--mechanism', 'vfork', '--comm', comm, '--count', count, '--rss', RSS, '--child-touch', PAGES);
    await settle(engine, { faults: true });
    const row = rowOf(engine, comm);
    within1Percent(row.childFaults, PAGES * count);
    assert.deepEqual([row.cowFaultsParent, row.cowFaultsChild], [0, 0]);
  });
}
