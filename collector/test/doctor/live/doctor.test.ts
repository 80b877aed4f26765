/** `forktax doctor` on this kernel: with all privileges, with just enough, and with none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding } from '../../../doctor/findings.ts';
import { NOBODY, nobodyWith } from '../../../../testing/nobody.ts';
import { runCli, startCli } from '../../../../testing/run-cli.ts';

interface Report {
  readonly able: boolean;
  readonly engine?: string;
  readonly call_hook?: string;
  readonly host: readonly Finding[];
  readonly hooks: readonly Finding[];
}

async function doctorAs(before: readonly string[]) {
  const { status, stdout, stderr } = await startCli(['doctor', '--json'], before).result;
  const report: Report = JSON.parse(stdout);
  return { status, stderr, report, capabilities: report.host.find(({ check }) => check === 'capabilities') };
}

test('root can measure', async () => {
  const { status, stderr, report } = await doctorAs([]);
  assert.deepEqual([status, stderr, report.able, report.engine], [0, '', true, 'core']);
  assert.equal(report.hooks.find(({ check }) => check === 'task_newtask')?.status, 'ok');
});

test('CAP_BPF and CAP_PERFMON are enough', async () => {
  const { status, report, capabilities } = await doctorAs(nobodyWith('bpf', 'perfmon'));
  assert.deepEqual([status, report.able, capabilities?.status], [0, true, 'ok']);
  assert.ok(report.call_hook, 'some way sees the spawning calls');
});

test('without privilege it says what is missing, and all else that it can', async () => {
  const { status, stderr, report, capabilities } = await doctorAs(NOBODY);
  assert.deepEqual([status, report.able, 'engine' in report], [1, false, false]);
  assert.deepEqual([capabilities?.status, capabilities?.found], ['fail', 'missing: CAP_BPF, CAP_PERFMON']);
  assert.match(capabilities?.fix ?? '', /^run as root/);
  assert.ok(report.host.length >= 10);
  assert.match(stderr, /^forktax: spawns cannot be measured here\n.*\[FORKTAX_UNABLE\]\n$/);
});

test('the report names the fix under what it fixes', async () => {
  const { status, stdout } = await startCli(['doctor'], NOBODY).result;
  assert.equal(status, 1);
  assert.match(stdout, /^FAIL capabilities +missing: CAP_BPF, CAP_PERFMON\n +→ run as root/m);
  assert.match(stdout, /\nforktax cannot measure here: see the lines that say FAIL\.\n$/);
  assert.equal((await runCli('doctor')).status, 0);
});

test('snoop without privilege points to doctor', async () => {
  const { status, stdout, stderr } = await startCli(['snoop'], NOBODY).result;
  assert.deepEqual([status, stdout], [1, '']);
  assert.match(stderr, /^forktax: .*\n.*forktax doctor.*\[FORKTAX_NO_PRIVILEGE\]\n$/);
});
