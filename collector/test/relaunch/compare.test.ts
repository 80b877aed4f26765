/** What a comparison says about two sides that are known. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareRuns } from '../../relaunch/compare/judge.ts';
import { comparisonText } from '../../relaunch/compare/comparison-text.ts';
import { GroupedSketch } from '../../relaunch/measure/grouped-sketch.ts';
import type { RunResult } from '../../relaunch/run/run.ts';
import { ForktaxError } from '../../model/errors.ts';
import { createFakeEngine, fakeRow, histogram } from '../../../testing/fake-engine.ts';
import { TIME_BOUNDS_NS } from '../../model/bounds.ts';

/** Makes a run that took `wallMs` and forked once, with a stall of `stallMs`. */
function run(wallMs: number, stallMs: number, status = 0): RunResult {
  const { hooks, next } = createFakeEngine();
  const stalls = new GroupedSketch();
  stalls.add({ comm: 'node', mechanism: 'fork' }, stallMs * 1e6);
  const rows = [fakeRow({ stall: histogram(TIME_BOUNDS_NS, stallMs * 1e6, 1) })];
  const measurement = { hooks, rows, failures: [], health: next.health, stalls, execDelays: new GroupedSketch() };
  return { status, wallNs: wallMs * 1e6, cpuNs: 0, measurement };
}

const judgementOf = (name: string, without: RunResult[], withIt: RunResult[]) => {
  const found = compareRuns(without, withIt).find((each) => each.name === name);
  return found && `${found.judgement} ${found.ratio?.toFixed(2)}`;
};

test('a difference is one when the sides do not overlap', () => {
  const slow = [run(100, 50), run(110, 52), run(120, 51)];
  const fast = [run(99, 0.5), run(90, 0.4), run(80, 0.6)];
  assert.equal(judgementOf('wall clock', slow, fast), 'less 1.22');
  assert.equal(judgementOf('wall clock', fast, slow), 'more 0.82');
  assert.equal(judgementOf('stall sum', slow, fast), 'less 102.00');
  assert.equal(judgementOf('wall clock', slow, [run(100, 1), run(50, 1), run(51, 1)]), 'noise 2.16');
  assert.equal(judgementOf('copied RSS', slow, fast), 'same 1.00');
  assert.equal(judgementOf('wall clock', slow, [run(110.5, 1), run(110, 1), run(109, 1)]), 'same 1.00');
});

test('one run each tells nothing of noise', () => {
  assert.equal(judgementOf('wall clock', [run(100, 1)], [run(50, 1)]), 'unknown 2.00');
});

test('what was not measured on either side is left out', () => {
  const error = new ForktaxError('FORKTAX_NO_PRIVILEGE', 'no');
  const unmeasured: RunResult = { status: 0, wallNs: 1, cpuNs: 1, measurement: error };
  const names = compareRuns([unmeasured], [run(1, 1)]).map(({ name }) => name);
  assert.deepEqual(names, ['wall clock', 'CPU time']);
});

test('the text says what was won, what was lost, and what is noise', () => {
  const plan = { command: 'node app', path: '/node', choice: { via: 'node', reason: 'it is' }, changes: [] } as const;
  const without = [run(100, 50), run(110, 52), run(120, 51)];
  const withIt = [run(150, 0.5, 1), run(130, 0.4, 1), run(140, 0.6, 1)];
  const text = comparisonText(plan, { without, with: withIt });
  assert.match(
    text,
    /^forktax: node app: 3 runs without and 3 with it, in turn; median \(lowest..highest\)\nvia node: it is\n/,
  );
  assert.match(text, /^wall clock +110ms \(100ms..120ms\) +140ms \(130ms..150ms\) +1.27x more$/m);
  assert.match(text, /^stall sum +51.0ms \(50.0ms..52.0ms\) +500us \(400us..600us\) +102x less$/m);
  assert.match(text, /^less with it: stall sum, stall p50, stall p99, stall max$/m);
  assert.match(text, /^more with it: wall clock$/m);
  assert.match(text, /^exit status 0 without, 1 with it$/m);
});
