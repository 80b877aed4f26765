import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readHost } from '../../doctor/host.ts';
import { GOOD, writeHost } from './fixture.ts';

test('a host is read', () => {
  assert.deepEqual(readHost(writeHost(GOOD)), {
    kernel: '6.12.48-cloud-amd64',
    architecture: process.arch,
    node: process.versions.node,
    hasBtf: true,
    tracefs: '/sys/kernel/tracing',
    lockdown: 'integrity',
    capabilities: new Set(['CAP_BPF', 'CAP_PERFMON', 'CAP_SYS_ADMIN', 'CAP_DAC_READ_SEARCH', 'CAP_SYS_PTRACE']),
    perfEventParanoid: 3,
    unprivilegedBpfDisabled: 2,
    bpfStatsEnabled: 1,
    inInitialPidNamespace: true,
  });
});

test('what cannot be read is unknown, and no capability is held', () => {
  const { architecture: _architecture, node: _node, ...host } = readHost(writeHost({}));
  assert.deepEqual(host, {
    kernel: undefined,
    hasBtf: false,
    tracefs: undefined,
    lockdown: undefined,
    capabilities: new Set(),
    perfEventParanoid: undefined,
    unprivilegedBpfDisabled: undefined,
    bpfStatsEnabled: undefined,
    inInitialPidNamespace: undefined,
  });
});

test('capabilities are bits of the effective set', () => {
  const held = (mask: string) => {
    const status = `CapPrm:\t000001ffffffffff\nCapEff:\t${mask}\n`;
    return [...readHost(writeHost({ ...GOOD, 'proc/self/status': status })).capabilities];
  };
  assert.deepEqual(held('0000000000000000'), []);
  assert.deepEqual(held('000000c000000000'), ['CAP_BPF', 'CAP_PERFMON']);
  assert.deepEqual(held('0000000000200004'), ['CAP_SYS_ADMIN', 'CAP_DAC_READ_SEARCH']);
});

test('a pid namespace of its own is told from the initial one', () => {
  const host = readHost(writeHost({ ...GOOD, 'proc/self/ns/pid': '→ pid:[4026532281]' }));
  assert.equal(host.inInitialPidNamespace, false);
});
