/** The report of a run whose costs are known. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CostRow } from '../../model/rows.ts';
import type { Hook } from '../../model/hooks.ts';
import { TIME_BOUNDS_NS } from '../../model/bounds.ts';
import type { Choice } from '../../relaunch/choose/choose.ts';
import { runJson } from '../../relaunch/report/run-json.ts';
import { reportText } from '../../relaunch/report/run-text.ts';
import { GroupedSketch } from '../../relaunch/measure/grouped-sketch.ts';
import type { RunResult } from '../../relaunch/run/run.ts';
import {
  createFakeEngine,
  fakeFailure,
  fakeRow,
  FAKE_HOOKS,
  histogram,
  hooksWithout,
} from '../../../testing/fake-engine.ts';

interface Given {
  readonly rows?: readonly CostRow[];
  readonly hooks?: readonly Hook[];
  readonly eventsLost?: number;
}

/** The sketch holds the stalls of all rows, or nothing if events were lost. */
function result({ rows = [], hooks = FAKE_HOOKS, eventsLost = 0 }: Given): RunResult {
  const { next } = createFakeEngine({ health: { eventsLost } });
  const stalls = new GroupedSketch();
  if (eventsLost === 0)
    for (const row of rows) for (let i = 0; i < row.spawns; i++) stalls.add(row, row.stall.sum / row.spawns);
  const failures = [fakeFailure({ count: 3 }), fakeFailure({ kind: 'spawn', errno: 11 })];
  const measurement = { rows, hooks, failures, health: next.health, stalls, execDelays: new GroupedSketch() };
  return { status: 3, wallNs: 2e9, cpuNs: 1e9, measurement };
}

const choice = (via: Choice['via']): Choice => ({ via, reason: 'because' });
const text = (given: Given, via: Choice['via'] = 'node') =>
  reportText({ command: 'node app', path: '/node', choice: choice(via), changes: [] }, result(given), Infinity);

const row = (mechanism: CostRow['mechanism'], spawns: number, stallNs: number) =>
  fakeRow({ mechanism, spawns, stall: histogram(TIME_BOUNDS_NS, stallNs, spawns) });

test('programs, histograms and failures', () => {
  const said = text({ rows: [row('fork', 2, 4e6), row('afork', 10, 15_000)] });
  assert.match(
    said,
    /^forktax: node app: exit status 3 after 2.00s \(1.00s of CPU time\)\nvia node: because\nafork made 10 of 12 spawns; 2 by fork\n/,
  );
  assert.match(said, /^node +fork +2 8.00ms 4.00ms 4.00ms 4.00ms 2.00MiB 8.00KiB +14 4.00ms +\S+$/m);
  assert.match(said, /^node +afork +10 +150us 1\d.\dus 15.0us 15.0us /m);
  assert.match(said, /^failed spawns: node EAGAIN 1\nfailed execs: node ENOENT 3$/m);
  assert.match(said, /^stall of fork\n +time +: count +distribution\n +3.91ms -> 4.65ms +: 2 /m);
  assert.match(said, /^stall of afork\n/m);
});

test('whether afork ran is told by what the probes saw', () => {
  const verdict = (rows: CostRow[], via?: Choice['via']) => text({ rows }, via).split('\n')[2];
  assert.equal(verdict([row('afork', 3, 1e4)]), 'afork made all 3 spawns');
  assert.equal(verdict([row('afork', 1, 1e4)]), 'afork made the one spawn');
  assert.equal(verdict([row('fork', 2, 1e6), row('vfork', 1, 1e6)]), 'afork made 0 of 3 spawns; 2 by fork, 1 by vfork');
  assert.equal(verdict([row('fork', 2, 1e6)], 'none'), '2 spawns');
  assert.equal(verdict([], 'preload'), 'no spawns');
  const large = { ...row('fork', 2, 1e6), copiedRss: { ...row('fork', 2, 1e6).copiedRss, sum: 2 ** 28 } };
  assert.match(
    verdict([large], 'none') ?? '',
    /^2 spawns; each fork of node copied 128MiB on average: try --via hugepages/,
  );
});

test('what could not be measured is absent and explained', () => {
  const rows = [row('fork', 2, 4e6)];
  const without = text({ rows, hooks: hooksWithout('calls') });
  assert.match(without, /^COMM +MECH +SPAWNS +RSS +PTABLES +COW +DELAY$/m);
  assert.match(without, /^stalls and failed spawns cannot be measured: calls: /m);
  assert.doesNotMatch(without, /stall of/);
  const json = JSON.stringify(runJson(result({ rows, hooks: hooksWithout('page_fault_user') })));
  assert.doesNotMatch(json, /cow_faults/);
  assert.match(json, /"absent":\{"faults":"page_fault_user: not attached"\}/);
});

test('lost events are shown, and what they made uncertain is not', () => {
  const said = text({ rows: [row('fork', 2, 4e6)], eventsLost: 1234 });
  assert.match(said, /^1,234 events were lost: P50 and P99 are estimates where MAX is missing$/m);
  assert.doesNotMatch(said, /MAX( |$)(?!is)/m);
});
