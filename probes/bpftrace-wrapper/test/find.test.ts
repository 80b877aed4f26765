/** Finding bpftrace, with programs that pretend to be it. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { findBpftrace, run } from '../lib/index.ts';
import { pretend } from './pretend.ts';

function withEnvironment(t: TestContext, values: Record<string, string>): void {
  for (const [name, value] of Object.entries(values)) {
    const before = process.env[name];
    process.env[name] = value;
    t.after(() => {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    });
  }
}

test('in PATH, or where BPFTRACE_PATH says', async (t) => {
  const path = pretend(t, 'echo bpftrace v0.21.3');
  withEnvironment(t, { PATH: `/no/such:${join(path, '..')}:${process.env['PATH']}` });
  delete process.env['BPFTRACE_PATH'];
  assert.deepEqual(await findBpftrace(), { path, version: { major: 0, minor: 21, patch: 3, text: '0.21.3' } });
  const other = pretend(t, 'echo bpftrace v0.26.1');
  withEnvironment(t, { BPFTRACE_PATH: other });
  assert.equal((await findBpftrace()).path, other);
});

test('too old, for this package or for the script', async (t) => {
  const path = pretend(t, 'echo bpftrace v0.16.0');
  await assert.rejects(findBpftrace({ path }), { code: 'BPFTRACE_TOO_OLD', message: /0\.16\.0, but 0\.17 or later/ });
  const newer = pretend(t, 'echo bpftrace v0.17.0');
  await assert.rejects(findBpftrace({ path: newer, minimumVersion: '0.20' }), {
    code: 'BPFTRACE_TOO_OLD',
    message: /but 0\.20 or later/,
  });
});

test('not there, not executable, broken, or something else', async (t) => {
  const missing = { code: 'BPFTRACE_NOT_FOUND' };
  await assert.rejects(findBpftrace({ path: '/no/such/bpftrace' }), missing);
  await assert.rejects(findBpftrace({ path: '/etc/passwd' }), missing);
  await assert.rejects(findBpftrace({ path: pretend(t, 'echo hello') }), {
    ...missing,
    message: /seems not to be bpftrace/,
  });
  const broken = pretend(t, 'echo "error while loading shared libraries: libLLVM.so" >&2; exit 127');
  await assert.rejects(findBpftrace({ path: broken }), { ...missing, message: /libLLVM/ });
});

test('a run tells what is wrong with its options before it starts anything', async (t) => {
  const bpftrace = await findBpftrace({ path: pretend(t, 'echo bpftrace v0.17.0') });
  const options = { script: { text: 'BEGIN { }' }, bpftrace };
  const wrong = { code: 'BPFTRACE_OPTION' };
  await assert.rejects(run({ ...options, heartbeatMs: 0 }), { ...wrong, message: /heartbeatMs is 0/ });
  await assert.rejects(run({ ...options, script: { file: '/no/such.bt' } }), { ...wrong, message: /no such file/ });
  await assert.rejects(run({ ...options, settings: { bufferPages: 3 } }), { ...wrong, message: /power of two/ });
  const gone = { path: '/no/such/bpftrace', version: bpftrace.version };
  await assert.rejects(run({ ...options, bpftrace: gone }), { code: 'BPFTRACE_NOT_FOUND' });
});
