import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineEvent } from '../../model/events.ts';
import { SpawnLines, type SpawnLine, type SpawnLinesOptions } from '../../model/spawn-lines.ts';
import { fakeSpawn } from '../../../testing/fake-engine.ts';

const spawn = fakeSpawn({ child: 200 });
const { kind: _kind, stallNs: _stall, copyNs: _copy, copiedRssBytes: _rss, ...rest } = spawn;
const { copiedPageTableBytes: _tables, ...base } = rest;
const exec: EngineEvent = { ...base, kind: 'exec', delayNs: 5, file: '/bin/true' };
const failure: EngineEvent = { ...base, kind: 'exec-failure', delayNs: 3, file: '/bin/gti', errno: 2 };
const exit: EngineEvent = { ...base, kind: 'exit', lifetimeNs: 9, status: 1, execSeen: false };
const exitAfterExec: EngineEvent = { ...exit, execSeen: true };

function join(options?: SpawnLinesOptions) {
  const lines: SpawnLine[] = [];
  const joiner = new SpawnLines((line) => lines.push(line), options);
  const told = () => lines.map(({ spawn: { pid }, outcome, failedExecs }) => [pid, outcome, failedExecs]);
  return { joiner, lines, told };
}

/** Gives the outcomes of events that all come at 0 ms. */
function outcomes(...events: EngineEvent[]): unknown[] {
  const { joiner, told } = join();
  for (const event of events) joiner.add(event, 0);
  return told();
}

test('events of one spawn meet in any order', () => {
  assert.deepEqual(outcomes(spawn, exec), [[100, 'exec', 0]]);
  assert.deepEqual(outcomes(exec, spawn), [[100, 'exec', 0]]);
  assert.deepEqual(outcomes(spawn, exit), [[100, 'no-exec', 0]]);
  assert.deepEqual(outcomes(exit, spawn), [[100, 'no-exec', 0]]);
  assert.deepEqual(outcomes(spawn, failure, failure, exit), [[100, 'exec-failed', 2]]);
  assert.deepEqual(outcomes(failure, failure, exit, spawn), [[100, 'exec-failed', 2]]);
  assert.deepEqual(outcomes(failure, spawn, failure, exec), [[100, 'exec', 2]]);
  assert.deepEqual(outcomes(exec, exitAfterExec, spawn), [[100, 'exec', 0]]);
});

test('one spawn is one line, whatever comes after it', () => {
  assert.deepEqual(outcomes(spawn, exec, exitAfterExec), [[100, 'exec', 0]]);
});

test('a failed call is a line at once', () => {
  const { joiner, told } = join();
  joiner.add({ ...base, kind: 'spawn-failure', stallNs: 1, errno: 11 }, 0);
  assert.deepEqual(told(), [[100, 'spawn-failed', 0]]);
});

test('a line carries what was seen', () => {
  const { joiner, lines } = join();
  for (const event of [spawn, failure, exec]) joiner.add(event, 0);
  assert.deepEqual(lines, [{ spawn, outcome: 'exec', exec, failedExecs: 1, lastFailure: failure }]);
});

test('a line waits so long and no longer', () => {
  const { joiner, told } = join({ holdMs: 1000 });
  joiner.add(spawn, 500);
  joiner.expire(1499);
  assert.deepEqual(told(), []);
  joiner.expire(1500);
  assert.deepEqual(told(), [[100, 'running', 0]]);
  joiner.expire(9000);
  joiner.add(exec, 9001);
  joiner.flush();
  assert.equal(told().length, 1);
});

test('what failed to exec and lives on has failed', () => {
  const { joiner, told } = join();
  joiner.add(spawn, 0);
  joiner.add(failure, 1);
  joiner.flush();
  assert.deepEqual(told(), [[100, 'exec-failed', 1]]);
});

test('the end of a child whose line is out makes room for its pid', () => {
  const { joiner, told } = join();
  joiner.add(spawn, 0);
  joiner.expire(1000);
  joiner.add(exit, 1001);
  joiner.add(exec, 1002);
  joiner.add({ ...spawn, pid: 101 }, 1003);
  assert.deepEqual(told(), [
    [100, 'running', 0],
    [101, 'exec', 0],
  ]);
});

test('a pid that is used again does not inherit an outcome', () => {
  const { joiner, told } = join();
  joiner.add(spawn, 0);
  joiner.add({ ...spawn, pid: 101 }, 1);
  joiner.add(exec, 2);
  assert.deepEqual(told(), [
    [100, 'running', 0],
    [101, 'exec', 0],
  ]);
});

test('when events were lost, an outcome that was not seen is unknown', () => {
  const { joiner, told } = join();
  joiner.add(spawn, 0);
  joiner.noteLoss();
  joiner.add(fakeSpawn({ pid: 102, child: 202 }), 0);
  joiner.flush();
  assert.deepEqual(told(), [
    [100, 'unknown', 0],
    [102, 'running', 0],
  ]);
});

test('where execs cannot be seen, nothing waits', () => {
  const { joiner, told } = join({ execsSeen: false });
  joiner.add(spawn, 0);
  assert.deepEqual(told(), [[100, 'unknown', 0]]);
});

test('memory is bounded: the oldest line goes out', () => {
  const { joiner, told } = join({ capacity: 2 });
  for (const pid of [1, 2, 3]) joiner.add(fakeSpawn({ pid, child: 1000 + pid }), 0);
  assert.deepEqual(told(), [[1, 'unknown', 0]]);
  joiner.add({ ...exec, child: 1002 }, 0);
  assert.deepEqual(told()[1], [2, 'exec', 0]);
});
