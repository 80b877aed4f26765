/** The core engine on a recording of what its probes held: needs neither privilege nor a kernel that loads them. */
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { afterEach, describe, test } from 'node:test';
import { COST_COLUMNS } from '../../../model/columns.ts';
import { addCosts, NO_COSTS } from '../../../model/costs.ts';
import type { Engine } from '../../../model/engine.ts';
import type { EngineEvent } from '../../../model/events.ts';
import { histogramCount } from '../../../model/histogram.ts';
import { snakeCase } from '../../../model/names.ts';
import type { EngineOptions } from '../../../model/options.ts';
import { coreEngine } from '../../../engine/core/engine.ts';
import type { Truth } from '../../../../native/spawnload/spawnload.ts';
import { OPTIONS, readRecording, replay } from './recording.ts';

const recording = readRecording();
const [fork, vfork, afork, missing, refused] = recording.truths as [Truth, Truth, Truth, Truth, Truth];

let engine: Engine | undefined;
afterEach(() => engine?.close());

function open(change: Partial<EngineOptions> = {}): Engine {
  engine = coreEngine(replay(recording), { ...OPTIONS, ...change });
  return engine;
}

const rowOf = ({ pid }: Truth) => {
  const row = (engine ?? open()).snapshot().rows.find(({ id }) => id === String(pid));
  assert.ok(row, `no row of ${pid}`);
  return row;
};

async function recordedEvents(): Promise<EngineEvent[]> {
  const { promise, resolve } = Promise.withResolvers<readonly EngineEvent[]>();
  const stop = open().subscribe(resolve);
  const events = await promise;
  stop();
  return [...events];
}

test('the recording has all columns; else record anew: scripts/node collector/test/engine/core/record.ts', () => {
  const fields = Object.keys(recording.layouts['cost_row']?.fields ?? {});
  for (const name of Object.keys(COST_COLUMNS)) assert.ok(fields.includes(snakeCase(name)), name);
});

describe('rows', () => {
  test('there is one for each load that spawned, with its key', () => {
    const rows = open().snapshot().rows;
    const keys = rows.map(({ comm, mechanism, syscall, id, spawns }) => [comm, mechanism, syscall, id, spawns]);
    const expected = [fork, vfork, afork, missing].map(({ pid, comm, mechanism, syscall, spawned }) => [
      comm,
      mechanism,
      syscall,
      String(pid),
      spawned,
    ]);
    const byPid = (a: readonly unknown[], b: readonly unknown[]) => Number(a[3]) - Number(b[3]);
    assert.deepEqual(keys.toSorted(byPid), expected.toSorted(byPid));
  });

  test('histograms count each spawn, exec and exit', () => {
    open();
    const counts = [fork, vfork, afork, missing].map((load) => {
      const { stall, copiedRss, execDelay, lifetime, execStalls } = rowOf(load);
      return [stall, copiedRss, execDelay, lifetime].map(histogramCount).concat(execStalls);
    });
    assert.deepEqual(counts, [
      [3, 3, 3, 3, 3],
      [2, 2, 2, 2, 2],
      [1, 1, 0, 1, 0],
      [2, 2, 0, 2, 0],
    ]);
  });

  test('sums are nanoseconds and bytes that spawnload confirms', () => {
    open();
    for (const load of [fork, vfork, afork, missing]) {
      const { stall, copyNs } = rowOf(load);
      assert.ok(copyNs > 0 && copyNs <= stall.sum && stall.sum <= load.stallNs.sum, `${copyNs} ${stall.sum}`);
    }
    const copied = rowOf(fork).copiedRss.sum / fork.spawned;
    assert.ok(copied >= 1 << 24 && copied <= fork.rssBytes.max, `${copied} of ${fork.rssBytes.max}`);
    assert.equal(rowOf(vfork).copiedRss.sum, 0);
  });

  test('execs are those with a stall; faults those of the pages that were written', () => {
    open();
    const { execStallNs, avoidableStallNs, stall, cowFaultsParent } = rowOf(fork);
    assert.equal(execStallNs, stall.sum);
    assert.equal(avoidableStallNs, execStallNs - fork.spawned * OPTIONS.aforkCostNs);
    assert.ok(cowFaultsParent >= 7 * fork.spawned, `${cowFaultsParent}`);
  });

  test('the slowest spawn is one of them', () => {
    const { slowest, stall } = rowOf(fork);
    assert.equal(slowest?.pid, fork.pid);
    assert.ok(slowest.stallNs >= stall.sum / 3 && slowest.stallNs <= fork.stallNs.max);
  });

  test('what has long been unused leaves the table, and keeps its name and its counts', () => {
    const all = open().snapshot().rows;
    const evicting = open({ maxSpawners: all.length, idleMs: -1e12 }).snapshot();
    assert.ok(evicting.rows.every(({ evicted }) => evicted));
    assert.equal(evicting.health.rowsEvicted, all.length);
    const sum = (rows: typeof all) => rows.reduce(addCosts, NO_COSTS);
    assert.deepEqual(columns(sum(evicting.rows)), columns(sum(all)));
  });
});

const columns = (costs: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.keys(COST_COLUMNS).map((name) => [name, costs[name]]));

test('failures have their kind, errno and count', () => {
  const { failures } = open().snapshot();
  const found = failures.map(({ kind, comm, id, errno, count }) => [kind, comm, id, errno, count]);
  assert.deepEqual(
    found.toSorted(([a], [b]) => String(a).localeCompare(String(b))),
    [
      ['exec', 'recorded', String(missing.pid), constants.errno.ENOENT, 2],
      ['spawn', 'recorded', String(refused.pid), constants.errno.EAGAIN, 2],
    ],
  );
});

test('health counts no loss', () => {
  const { health } = open().snapshot();
  const losses = ['eventsLost', 'rowsFolded', 'failuresFolded', 'callsUntracked', 'processesUntracked'] as const;
  for (const name of losses) assert.equal(health[name], 0, name);
  assert.deepEqual([health.tableRows, health.tableCapacity, health.processesTracked], [4, OPTIONS.maxSpawners, 0]);
});

describe('events', () => {
  test('tell each step of each child once', async () => {
    const events = await recordedEvents();
    const steps = ({ pid }: Truth) => {
      const kinds = events.filter((event) => event.pid === pid).map(({ kind }) => kind);
      return Object.fromEntries(
        Array.from(
          Map.groupBy(kinds, (kind) => kind),
          ([kind, all]) => [kind, all.length],
        ),
      );
    };
    assert.deepEqual(steps(fork), { spawn: 3, exec: 3, exit: 3 });
    assert.deepEqual(steps(vfork), { spawn: 2, exec: 2, exit: 2 });
    assert.deepEqual(steps(afork), { spawn: 1, exit: 1 });
    assert.deepEqual(steps(missing), { spawn: 2, 'exec-failure': 2, exit: 2 });
    assert.deepEqual(steps(refused), { 'spawn-failure': 2 });
  });

  test('have times within their load, and what their kind tells', async () => {
    const events = await recordedEvents();
    for (const { pid, elapsedNs } of [fork, vfork, afork, missing, refused]) {
      const times = events.filter((event) => event.pid === pid).map(({ atMs }) => atMs);
      assert.ok(Math.max(...times) - Math.min(...times) <= elapsedNs / 1e6);
    }
    for (const event of events) {
      assert.equal(event.comm, 'recorded');
      if (event.kind === 'spawn') assert.ok((event.stallNs ?? 0) >= (event.copyNs ?? Infinity));
      if (event.kind === 'exec') assert.match(event.file, /spawnload$/);
      if (event.kind === 'exec-failure') assert.equal(event.file, '/nonexistent/spawnload');
      if (event.kind === 'exec-failure') assert.equal(event.errno, constants.errno.ENOENT);
      if (event.kind === 'spawn-failure') assert.equal(event.errno, constants.errno.EAGAIN);
      if (event.kind === 'exit') assert.equal(event.execSeen, event.pid === fork.pid || event.pid === vfork.pid);
    }
  });

  test('add up to the rows', async () => {
    const events = await recordedEvents();
    const sum = (load: Truth, of: (event: EngineEvent) => number) =>
      events.filter(({ pid }) => pid === load.pid).reduce((total, event) => total + of(event), 0);
    for (const load of [fork, vfork, afork, missing]) {
      const row = rowOf(load);
      assert.equal(
        sum(load, (event) => (event.kind === 'spawn' ? (event.stallNs ?? 0) : 0)),
        row.stall.sum,
      );
      assert.equal(
        sum(load, (event) => (event.kind === 'spawn' ? event.copiedRssBytes : 0)),
        row.copiedRss.sum,
      );
      assert.equal(
        sum(load, (event) => (event.kind === 'exec' ? event.delayNs : 0)),
        row.execDelay.sum,
      );
      assert.equal(
        sum(load, (event) => (event.kind === 'exit' ? event.lifetimeNs : 0)),
        row.lifetime.sum,
      );
    }
  });

  test('are given while somebody reads, and to each reader', async () => {
    const counts: number[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const opened = open();
    opened.subscribe((events) => counts.push(events.length));
    opened.subscribe((events) => {
      counts.push(events.length);
      resolve();
    });
    await promise;
    assert.equal(counts.length, 2);
    assert.equal(counts[0], counts[1]);
  });
});
