/** Each recording rule gives the expected series for two hosts, two programs and two mechanisms. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RECORDING_RULES } from '../rules/recording.ts';
import { testRules, valueCase, type InputSeries } from './promtool.ts';

const HOSTS = ['a', 'b'];

/** Series that grow on each host by 1 a second for one program and by 2 for the other. */
function perSecond(metric: string, labels: readonly string[]): InputSeries {
  const series = HOSTS.flatMap((instance) =>
    labels.map((text, index) => [
      `${metric}{job="forktax",instance="${instance}",${text}}`,
      `0+${60 * (index + 1)}x20`,
    ]),
  );
  return Object.fromEntries(series);
}

const MECHANISMS = ['comm="sh",mechanism="fork"', 'comm="sh",mechanism="vfork"'];
const PROGRAMS = ['comm="sh",mechanism="fork"', 'comm="node",mechanism="fork"'];
const ERRORS = ['comm="sh",errno="ENOENT"', 'comm="sh",errno="EAGAIN"'];

interface Expected {
  readonly input: InputSeries;
  readonly samples: Readonly<Record<string, number>>;
}

/** The value for each set of labels other than job. */
const EXPECTED: Readonly<Record<string, Expected>> = {
  'job_comm_mechanism:forktax_spawns:rate5m': {
    input: perSecond('forktax_spawns_total', MECHANISMS),
    samples: { 'comm="sh", mechanism="fork"': 2, 'comm="sh", mechanism="vfork"': 4 },
  },
  'job_comm_mechanism:forktax_spawn_stall_seconds_sum:rate5m': {
    input: perSecond('forktax_spawn_stall_seconds_sum', MECHANISMS),
    samples: { 'comm="sh", mechanism="fork"': 2, 'comm="sh", mechanism="vfork"': 4 },
  },
  'job_comm_le:forktax_spawn_stall_seconds_bucket:rate5m': {
    input: perSecond('forktax_spawn_stall_seconds_bucket', [
      'comm="sh",le="0.125",mechanism="fork"',
      'comm="sh",le="+Inf"',
    ]),
    samples: { 'comm="sh", le="0.125"': 2, 'comm="sh", le="+Inf"': 4 },
  },
  'job_comm:forktax_spawn_copy_seconds:rate5m': {
    input: perSecond('forktax_spawn_copy_seconds_total', PROGRAMS),
    samples: { 'comm="sh"': 2, 'comm="node"': 4 },
  },
  'job_comm:forktax_spawn_copied_rss_bytes_sum:rate5m': {
    input: perSecond('forktax_spawn_copied_rss_bytes_sum', PROGRAMS),
    samples: { 'comm="sh"': 2, 'comm="node"': 4 },
  },
  'job_comm:forktax_avoidable_stall_seconds:rate5m': {
    input: perSecond('forktax_avoidable_stall_seconds_total', ['comm="sh"', 'comm="node"']),
    samples: { 'comm="sh"': 2, 'comm="node"': 4 },
  },
  'job_comm_role:forktax_cow_faults:rate5m': {
    input: perSecond('forktax_cow_faults_total', ['comm="sh",role="parent"', 'comm="sh",role="child"']),
    samples: { 'comm="sh", role="parent"': 2, 'comm="sh", role="child"': 4 },
  },
  'job_comm_errno:forktax_spawn_failures:rate5m': {
    input: perSecond('forktax_spawn_failures_total', ERRORS),
    samples: { 'comm="sh", errno="ENOENT"': 2, 'comm="sh", errno="EAGAIN"': 4 },
  },
  'job_comm_errno:forktax_exec_failures:rate5m': {
    input: perSecond('forktax_exec_failures_total', ERRORS),
    samples: { 'comm="sh", errno="ENOENT"': 2, 'comm="sh", errno="EAGAIN"': 4 },
  },
  'job:forktax_up:sum': {
    input: { 'forktax_up{job="forktax",instance="a"}': '1+0x20', 'forktax_up{job="forktax",instance="b"}': '1+0x20' },
    samples: { '': 2 },
  },
};

/** Debian's promtool cannot be given native histograms; live/native.test.ts has this one. */
const NATIVE = 'job_comm:forktax_spawn_stall_seconds:rate5m';

describe('recording rules', () => {
  for (const { record } of RECORDING_RULES.filter((rule) => rule.record !== NATIVE)) {
    it(`${record} adds up`, () => {
      const expected = EXPECTED[record];
      assert.ok(expected, 'no case');
      const samples = Object.entries(expected.samples).map(([labels, value]) => [
        `${record}{job="forktax"${labels && `, ${labels}`}}`,
        value,
      ]);
      assert.equal(testRules([valueCase(expected.input, record, 10, Object.fromEntries(samples))]), '');
    });
  }

  it('are named for the labels that they leave', () => {
    for (const { record, expr } of RECORDING_RULES) {
      const by = /sum by \(([^)]*)\)/.exec(expr)?.[1]?.split(', ');
      assert.deepEqual(record.split(':')[0], by?.join('_'));
    }
  });
});
