import assert from 'node:assert/strict';
import { test } from 'node:test';
import { absentColumns } from '../../../model/hooks.ts';
import { openEngine, rowOf } from '../../../../testing/engines.ts';
import { scaled, spawnload, uniqueComm } from '../../../../testing/spawnload.ts';
import { testFaults } from './faults.ts';

testFaults(async () => openEngine());

const PAGES = 2000;
const RSS = 16 << 20;
const COUNT = scaled(20);

function whyUntimed(): string | undefined {
  using engine = openEngine({ timesCowFaults: true });
  return absentColumns(engine.hooks).get('cowFaultTimes');
}

const skip = whyUntimed() ?? false;

/** Forks and writes; gives the row, and for how long the spawner's threads were outside of their calls. */
async function fork(...args: readonly (string | number)[]) {
  const comm = uniqueComm();
  using engine = openEngine({ timesCowFaults: true });
  const load = ['--mechanism', 'fork', '--comm', comm, '--count', COUNT, '--rss', RSS, ...args];
  const { elapsedNs, stallNs } = await spawnload(...load);
  assert.equal(engine.snapshot().health.cowFaultsUntimed, 0);
  return { row: rowOf(engine, comm), elapsedNs, outsideNs: elapsedNs - stallNs.sum };
}

test('the CoW faults of a parent take a part of its time outside of its calls', { skip }, async () => {
  const { row, outsideNs } = await fork('--parent-touch', PAGES);
  assert.ok(row.cowFaultsParentNs > 0 && row.cowFaultsParentNs < outsideNs, `${row.cowFaultsParentNs} ${outsideNs}`);
  assert.equal(row.cowFaultsChildNs > 0, row.cowFaultsChild > 0);
  const few = await fork('--parent-touch', 1);
  assert.ok(row.cowFaultsParentNs > few.row.cowFaultsParentNs, `${row.cowFaultsParentNs} ${few.row.cowFaultsParentNs}`);
});

test('the CoW faults of a child take a part of the time until its exec', { skip }, async () => {
  const { row } = await fork('--child-touch', PAGES);
  const { cowFaultsChildNs, cowFaultsParentNs, execDelay } = row;
  assert.ok(cowFaultsChildNs > 0 && cowFaultsChildNs < execDelay.sum, `${cowFaultsChildNs} ${execDelay.sum}`);
  assert.ok(cowFaultsChildNs > cowFaultsParentNs, `${cowFaultsChildNs} ${cowFaultsParentNs}`);
});

test('threads that write at the same time are each timed', { skip }, async () => {
  const threads = 4;
  const { row, elapsedNs } = await fork('--threads', threads, '--parent-touch', PAGES / threads);
  const { cowFaultsParentNs } = row;
  assert.ok(cowFaultsParentNs > 0 && cowFaultsParentNs < threads * elapsedNs, `${cowFaultsParentNs} ${elapsedNs}`);
});
