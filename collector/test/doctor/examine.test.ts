import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DIAGNOSIS_FIELDS, diagnose, diagnosisRecord, type Trial } from '../../doctor/examine.ts';
import { readHost, type Host } from '../../doctor/host.ts';
import type { Hook } from '../../model/hooks.ts';
import { ERRORS, ForktaxError } from '../../model/errors.ts';
import { doctorText } from '../../doctor/text.ts';
import { FAKE_HOOKS } from '../../../testing/fake-engine.ts';
import { fakeOutput } from '../terminal/fake-output.ts';
import { GOOD, writeHost } from './fixture.ts';

const good = readHost(writeHost(GOOD));
const trial: Trial = { callHook: 'fentry', hooks: FAKE_HOOKS };
const unprivileged: Partial<Host> = { capabilities: new Set(['CAP_BPF', 'CAP_PERFMON']) };

function finding(check: string, change: Partial<Host>, outcome: Trial = trial) {
  return diagnose({ ...good, ...change }, outcome).host.find((each) => each.check === check);
}

test('on a good host all is well', () => {
  const { able, engine, callHook, host, hooks } = diagnose(good, trial);
  assert.deepEqual([able, engine, callHook], [true, 'core', 'fentry']);
  for (const { check, status, fix } of [...host, ...hooks]) assert.deepEqual([status, fix], ['ok', undefined], check);
});

test('each thing that is wrong is found, with a fix', () => {
  const cases: [check: string, change: Partial<Host>, status: string, fix: RegExp][] = [
    ['BTF', { hasBtf: false }, 'fail', /CONFIG_DEBUG_INFO_BTF/],
    ['capabilities', { capabilities: new Set(['CAP_BPF']) }, 'fail', /CAP_PERFMON/],
    ['CAP_DAC_READ_SEARCH', unprivileged, 'note', /grant it/],
    ['CAP_SYS_PTRACE', unprivileged, 'note', /forktax sites/],
    ['lockdown', { lockdown: 'confidentiality' }, 'fail', /lockdown=integrity/],
    ['tracefs', { tracefs: undefined }, 'note', /mount -t tracefs/],
    ['perf_event_paranoid', unprivileged, 'note', /sysctl kernel\.perf_event_paranoid=2/],
    ['bpf_stats_enabled', { bpfStatsEnabled: 0 }, 'note', /sysctl kernel\.bpf_stats_enabled=1/],
    ['pid namespace', { inInitialPidNamespace: false }, 'warn', /--pid=host/],
    ['Node.js', { node: '22.11.0' }, 'fail', /22\.12/],
  ];
  for (const [check, change, status, fix] of cases) {
    const found = finding(check, change);
    assert.equal(found?.status, status, check);
    assert.match(found?.fix ?? '', fix, check);
  }
});

test('an old kernel is a failure where it refuses the probes, and a note where its vendor has changed it', () => {
  const refused: Trial = { error: new ForktaxError('FORKTAX_OLD_KERNEL', 'Linux 5.14.21 refuses the probes') };
  const { status, fix } = finding('kernel', { kernel: '5.14.21' }, refused) ?? {};
  assert.deepEqual([status, fix], ['fail', 'use Linux 5.15 or later; 6.1 and later are tested']);
  const works = finding('kernel', { kernel: '5.14.0-503.el9.x86_64' });
  assert.deepEqual([works?.status, works?.fix], ['note', undefined]);
});

test('a hook that is used only on request is no warning where the kernel refuses it', () => {
  const statusWithout = (name: string): string | undefined => {
    const hooks = FAKE_HOOKS.map((hook) => (hook.name === name ? { ...hook, attached: false, reason: 'EPERM' } : hook));
    return diagnose(good, { callHook: 'fentry', hooks }).hooks.find(({ check }) => check === name)?.status;
  };
  assert.deepEqual(['fexit:do_wp_page', 'page_fault_user'].map(statusWithout), ['note', 'warn']);
});

test('versions are compared as numbers', () => {
  const status = (kernel: string): string | undefined => finding('kernel', { kernel })?.status;
  assert.deepEqual(['5.15.0', '5.15.0-8', '6.0.9', '6.1.0', '6.18.4', '10.0'].map(status), [
    'note',
    'note',
    'note',
    'ok',
    'ok',
    'ok',
  ]);
  assert.equal(finding('Node.js', { node: '22.9.0' })?.status, 'fail');
  assert.equal(finding('Node.js', { node: '24.0.0' })?.status, 'ok');
});

test('a hook that another one stands in for is no loss; one that none does is', () => {
  const lost: Hook = { name: 'page_fault_user', attached: false, reason: 'no such tracepoint', columns: ['faults'] };
  const spare: Hook = { name: 'fentry', attached: false, reason: 'EPERM', columns: ['stall'] };
  const hooks = [...FAKE_HOOKS.filter(({ name }) => name !== lost.name), lost, spare];
  const { able, hooks: findings } = diagnose(good, { hooks });
  const status = (name: string) => findings.find(({ check }) => check === name)?.status;
  assert.deepEqual([able, status('page_fault_user'), status('fentry'), status('calls')], [true, 'warn', 'note', 'ok']);
});

test('without the hook that sees spawns, nothing can be measured', () => {
  const hooks: Hook[] = [{ name: 'task_newtask', attached: false, reason: 'EPERM', columns: ['spawns'] }];
  const { able, engine, hooks: findings } = diagnose(good, { hooks });
  assert.deepEqual([able, engine, findings[0]?.status], [false, undefined, 'fail']);
});

test('an addon that is not built is a finding', () => {
  const diagnosis = diagnose(good, { error: new ForktaxError('FORKTAX_NO_NATIVE', 'cannot be loaded') });
  assert.equal(diagnosis.able, false);
  const { status, fix } = diagnosis.host.at(-1) ?? {};
  assert.deepEqual([status, fix], ['fail', ERRORS.FORKTAX_NO_NATIVE.help]);
});

test('the JSON object has the documented fields', () => {
  assert.deepEqual(Object.keys(diagnosisRecord(diagnose(good, trial))), Object.keys(DIAGNOSIS_FIELDS));
});

test('the report wraps to the terminal, fixes under what they fix', () => {
  const report = doctorText(diagnose({ ...good, hasBtf: false }, trial), fakeOutput(80));
  for (const line of report.trimEnd().split('\n').slice(0, -1)) assert.ok(line.length <= 80, line);
  assert.match(report, /\nFAIL BTF {24}\/sys\/kernel\/btf\/vmlinux cannot be read\n {32}→ use a kernel /);
});
