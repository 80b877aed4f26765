/** The page faults after a spawn are exactly those that the generator caused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { impossibleHooks } from '../../../engine/core/hooks.ts';
import type { CostRow } from '../../../model/rows.ts';
import { rowOf, settle, type Open } from '../../../../testing/engines.ts';
import { scaled, spawnload, uniqueComm } from '../../../../testing/spawnload.ts';

const PAGES = 2000;
const RSS = 16 << 20;

const skip = impossibleHooks(process.arch).get('page_fault_user') ?? false;

const within1Percent = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual / expected - 1) < 0.01, `${actual}, not ${expected}`);

/**
 * The row of a load. bpftrace, and who reads it, may wait for a CPU until counts are cleared before they were told. That is a loss, which the
 * engine counts; then the load runs again.
 */
async function rowOfLoad(open: Open, ...load: readonly (string | number)[]): Promise<CostRow> {
  for (let again = 0; ; again++) {
    using engine = await open();
    const comm = uniqueComm();
    await spawnload('--comm', comm, '--rss', RSS, ...load);
    await settle(engine, { faults: true });
    if (engine.snapshot().health.eventsLost === 0 || again === 2) return rowOf(engine, comm);
  }
}

export function testFaults(open: Open): void {
  test('what the parent writes while its child lives are its CoW faults', { skip }, async () => {
    const count = scaled(20);
    const row = await rowOfLoad(open, '--mechanism', 'fork', '--count', count, '--parent-touch', PAGES);
    within1Percent(row.cowFaultsParent, PAGES * count);
    assert.ok(row.cowFaultsChild < 0.01 * PAGES * count);
  });

  test('what the child writes before its exec are its CoW faults', { skip }, async () => {
    const count = scaled(20);
    const row = await rowOfLoad(open, '--mechanism', 'fork', '--count', count, '--child-touch', PAGES);
    within1Percent(row.cowFaultsChild, PAGES * count);
    within1Percent(row.childFaults, PAGES * count);
    assert.ok(row.cowFaultsParent < 0.01 * PAGES * count);
  });

  test('a vfork copies nothing on write, but what its child touches first is counted', { skip }, async () => {
    const count = scaled(20);
    const row = await rowOfLoad(open, '--mechanism', 'vfork', '--count', count, '--child-touch', PAGES);
    within1Percent(row.childFaults, PAGES * count);
    assert.deepEqual([row.cowFaultsParent, row.cowFaultsChild], [0, 0]);
  });
}
