/** Each alert fires when it should, and neither just below its threshold nor too soon. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { ALERT_RULES } from '../rules/alerts.ts';
import {
  ENOENT_PER_EXEC,
  ENOUGH_SPAWNS_PER_SECOND,
  EXEC_FAILURES_PER_SECOND,
  LARGE_FORK_BYTES,
  SIBLINGS_STOOD_STILL_SECONDS_PER_SECOND,
  SPAWN_FAILURE_RATIO,
  STALL_P99_SECONDS,
  STOOD_STILL_SECONDS_PER_SECOND,
  TABLE_FULL_RATIO,
} from '../rules/thresholds.ts';
import { firingCase, testRules, type InputSeries, type Labels } from './promtool.ts';

const HOST = 'job="forktax",instance="a"';
const SPAWNER = `${HOST},comm="node"`;
const FORKS = `${SPAWNER},mechanism="fork"`;
const LENGTH = 60;

/** A counter that grows by `perSecond` from the beginning on. */
const growing = (perSecond: number) => `0+${perSecond * 60}x${LENGTH}`;
const constant = (value: number) => `${value}+0x${LENGTH}`;

/** `perSecond` spawns a second, all with this stall. */
function stalls(perSecond: number, seconds: number): InputSeries {
  const bounds = [0.0625, 0.125, 0.25, 0.5, Infinity];
  const buckets = bounds.map((bound) => [
    `forktax_spawn_stall_seconds_bucket{${FORKS},le="${bound === Infinity ? '+Inf' : bound}"}`,
    growing(bound >= seconds ? perSecond : 0),
  ]);
  return {
    ...Object.fromEntries(buckets),
    [`forktax_spawn_stall_seconds_count{${FORKS}}`]: growing(perSecond),
    [`forktax_spawn_stall_seconds_sum{${FORKS}}`]: growing(perSecond * seconds),
  };
}

/** Counts of all forks, and of those up to 1 GiB, one value a minute. */
const forks = (all: string, small: string, mechanism = 'fork'): InputSeries => ({
  [`forktax_spawn_copied_rss_bytes_count{${SPAWNER},mechanism="${mechanism}"}`]: all,
  [`forktax_spawn_copied_rss_bytes_bucket{${SPAWNER},mechanism="${mechanism}",le="1.073741824e+09"}`]: small,
});

const siblings = (ofThreshold: number): InputSeries => ({
  [`forktax_sibling_stall_seconds_total{${SPAWNER}}`]: growing(ofThreshold * SIBLINGS_STOOD_STILL_SECONDS_PER_SECOND),
});

const spawnFailures = (failed: number, made: number, errno = 'EAGAIN'): InputSeries => ({
  [`forktax_spawn_failures_total{${SPAWNER},errno="${errno}"}`]: growing(failed),
  ...(made > 0 && { [`forktax_spawns_total{${FORKS}}`]: growing(made) }),
});

const execFailures = (errno: string, failed: number, execs: number): InputSeries => ({
  [`forktax_exec_failures_total{${SPAWNER},errno="${errno}"}`]: growing(failed),
  [`forktax_execs_total{${SPAWNER}}`]: growing(execs),
});

const table = (rows: number, folded: number): InputSeries => ({
  [`forktax_table_rows{${HOST}}`]: constant(rows),
  [`forktax_table_capacity{${HOST}}`]: constant(1000),
  [`forktax_table_folded_total{${HOST}}`]: growing(folded),
});

const losses = (calls: number, processes: number): InputSeries => ({
  [`forktax_calls_untracked_total{${HOST}}`]: growing(calls),
  [`forktax_processes_untracked_total{${HOST}}`]: growing(processes),
});

const on = (severity: string, labels: Labels = {}): Labels => ({ job: 'forktax', instance: 'a', severity, ...labels });
const ofNode = (severity: string, labels: Labels = {}) => on(severity, { comm: 'node', ...labels });

interface Check {
  readonly what: string;
  readonly input: InputSeries;
  readonly minutes?: number;
  /** If absent, nothing fires. */
  readonly fires?: readonly Labels[];
}

const STALLS_HIGH = stalls(2 * ENOUGH_SPAWNS_PER_SECOND, 2 * STALL_P99_SECONDS);
const UP = `up{${HOST}}`;

const CHECKS: Readonly<Record<string, readonly Check[]>> = {
  ForktaxStallHigh: [
    { what: 'stalls twice as long', input: STALLS_HIGH, fires: [ofNode('warning')] },
    { what: 'not yet', input: STALLS_HIGH, minutes: 10 },
    { what: 'half as long', input: stalls(2 * ENOUGH_SPAWNS_PER_SECOND, STALL_P99_SECONDS / 2) },
    { what: 'too few spawns', input: stalls(ENOUGH_SPAWNS_PER_SECOND / 2, 2 * STALL_P99_SECONDS) },
  ],
  ForktaxTimeStoodStill: [
    { what: 'a tenth more', input: stalls(1.1, STOOD_STILL_SECONDS_PER_SECOND), fires: [ofNode('warning')] },
    { what: 'not yet', input: stalls(1.1, STOOD_STILL_SECONDS_PER_SECOND), minutes: 10 },
    { what: 'a tenth less', input: stalls(0.9, STOOD_STILL_SECONDS_PER_SECOND) },
  ],
  ForktaxSiblingsStandStill: [
    { what: 'a tenth more', input: siblings(1.1), fires: [ofNode('warning')] },
    { what: 'not yet', input: siblings(1.1), minutes: 10 },
    { what: 'a tenth less', input: siblings(0.9) },
  ],
  ForktaxLargeFork: [
    { what: 'the first of all', input: forks('_x27 1+0x30', '_x27 0+0x30'), fires: [ofNode('info')] },
    { what: 'one of many', input: forks('5+0x27 6+0x30', '5+0x60'), fires: [ofNode('info')] },
    { what: 'the same, a while ago', input: forks('5+0x27 6+0x30', '5+0x60'), minutes: 40 },
    { what: 'small ones', input: forks('0+30x60', '0+30x60') },
    { what: 'a large one long ago', input: forks('1+0x60', '0+0x60') },
    { what: 'a restart', input: forks('5+0x27 _x2 0+0x30', '4+0x27 _x2 0+0x30') },
    { what: 'vforks copy nothing', input: forks('0+30x60', '0+0x60', 'vfork') },
  ],
  ForktaxSpawnFailures: [
    { what: 'twice too many', input: spawnFailures(2 * SPAWN_FAILURE_RATIO, 1), fires: [ofNode('critical')] },
    { what: 'nothing but failures', input: spawnFailures(1, 0), fires: [ofNode('critical')] },
    { what: 'not yet', input: spawnFailures(1, 1), minutes: 5 },
    { what: 'half as many', input: spawnFailures(SPAWN_FAILURE_RATIO / 2, 1) },
    { what: 'interrupted calls', input: spawnFailures(1, 1, 'ERESTARTNOINTR') },
  ],
  ForktaxExecFailures: [
    {
      what: 'twice too many',
      input: execFailures('EACCES', 2 * EXEC_FAILURES_PER_SECOND, 1),
      fires: [ofNode('warning', { errno: 'EACCES' })],
    },
    { what: 'half as many', input: execFailures('EACCES', EXEC_FAILURES_PER_SECOND / 2, 1) },
    {
      what: 'programs that are not there',
      input: execFailures('ENOENT', 8, 0),
      fires: [ofNode('warning', { errno: 'ENOENT' })],
    },
    {
      what: 'mostly programs that are not there',
      input: execFailures('ENOENT', 2 * ENOENT_PER_EXEC, 1),
      fires: [ofNode('warning', { errno: 'ENOENT' })],
    },
    { what: 'a search along $PATH', input: execFailures('ENOENT', ENOENT_PER_EXEC / 2, 1) },
    { what: 'not yet', input: execFailures('ENOENT', 8, 0), minutes: 10 },
  ],
  ForktaxLosses: [
    {
      what: 'both kinds',
      input: losses(0.1, 0.1),
      fires: [on('warning', { what: 'calls' }), on('warning', { what: 'processes' })],
    },
    { what: 'calls', input: losses(0.1, 0), fires: [on('warning', { what: 'calls' })] },
    { what: 'not yet', input: losses(0.1, 0), minutes: 10 },
    { what: 'none', input: losses(0, 0) },
  ],
  ForktaxTableFull: [
    { what: 'nearly full', input: table(1000 * TABLE_FULL_RATIO + 1, 0), fires: [on('warning')] },
    { what: 'folding', input: table(1, 0.1), fires: [on('warning')] },
    { what: 'not yet', input: table(1000, 0.1), minutes: 14 },
    { what: 'room left', input: table(1000 * TABLE_FULL_RATIO, 0) },
  ],
  ForktaxCollectorDown: [
    { what: 'no answer', input: { [UP]: constant(0) }, fires: [on('warning')] },
    {
      what: 'tables cannot be read',
      input: { [UP]: constant(1), [`forktax_up{${HOST}}`]: constant(0) },
      fires: [on('warning')],
    },
    { what: 'none is scraped', input: { 'up{job="node"}': constant(0) }, fires: [{ severity: 'warning' }] },
    { what: 'not yet', input: { [UP]: constant(0) }, minutes: 4 },
    { what: 'measuring', input: { [UP]: constant(1), [`forktax_up{${HOST}}`]: constant(1) } },
  ],
};

describe('alerts', () => {
  for (const [alert, checks] of Object.entries(CHECKS)) {
    for (const { what, input, minutes = 30, fires = [] } of checks) {
      it(`${alert} ${fires.length > 0 ? 'fires' : 'does not fire'}: ${what}`, () => {
        assert.equal(testRules([firingCase(input, alert, minutes, fires)]), '');
      });
    }
  }

  it('are all tested, firing and not', () => {
    for (const { alert } of ALERT_RULES) {
      const kinds = new Set(CHECKS[alert]?.map(({ fires }) => fires !== undefined));
      assert.equal(kinds.size, 2, alert);
    }
  });

  it('would fail a wrong expectation', () => {
    assert.notEqual(testRules([firingCase(STALLS_HIGH, 'ForktaxStallHigh', 30, [])]), '');
  });
});

describe('runbooks', () => {
  const folder = new URL('../../docs/runbooks/', import.meta.url);

  for (const { alert } of ALERT_RULES) {
    it(`${alert} has a page that says what it means, how to look and how to stop it`, () => {
      const text = readFileSync(new URL(`${alert}.md`, folder), 'utf8');
      const headings = text.split('\n').filter((line) => line.startsWith('#'));
      assert.deepEqual(headings, [`# ${alert}`, '## What it means', '## How to look', '## How to stop it']);
    });
  }

  it('say the thresholds that are in force, and how long', () => {
    const said: Readonly<Record<string, string>> = {
      ForktaxStallHigh: `${STALL_P99_SECONDS * 1000} ms`,
      ForktaxTimeStoodStill: `${STOOD_STILL_SECONDS_PER_SECOND} s in each second`,
      ForktaxLargeFork: `more than ${LARGE_FORK_BYTES / 2 ** 30} GiB`,
      ForktaxSpawnFailures: `more than ${SPAWN_FAILURE_RATIO * 100} %`,
      ForktaxExecFailures: `more than ${ENOENT_PER_EXEC} for each exec`,
      ForktaxTableFull: `more than ${TABLE_FULL_RATIO * 100} %`,
    };
    const words = { '5m': 'five minutes', '10m': 'ten minutes', '15m': 'a quarter of an hour' };
    for (const { alert, for: delay } of ALERT_RULES) {
      const text = readFileSync(new URL(`${alert}.md`, folder), 'utf8').replaceAll('\n', ' ');
      assert.ok(text.includes(said[alert] ?? ''), `${alert}: ${said[alert]}`);
      const word = words[(delay ?? '5m') as keyof typeof words];
      assert.ok(word && text.includes(word), `${alert}: ${delay}`);
    }
  });

  it('are of alerts that exist', () => {
    assert.ok(existsSync(folder));
    const names = ALERT_RULES.map(({ alert }) => `${alert}.md`);
    assert.deepEqual(readdirSync(folder).toSorted(), names.toSorted());
  });
});
