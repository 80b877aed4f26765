/** Starts that fail, and why; on the real bpftrace. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BpftraceError, type BpftraceErrorCode, findBpftrace, quote, run, script } from '../../lib/index.ts';
import { collect, descendantsOf } from './helpers.ts';

function fileWith(t: TestContext, text: string, mode = 0o644): string {
  const folder = mkdtempSync(join(tmpdir(), 'bpftrace-wrapper-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'script.bt'), text, { mode });
  return join(folder, 'script.bt');
}

const refused = (code: BpftraceErrorCode | RegExp, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof BpftraceError);
  assert.match(error.code, new RegExp(code));
  assert.match(error.message, message);
  assert.equal(descendantsOf(process.pid).length, 0, 'something is left');
  return true;
};

test('a script that bpftrace does not accept: with file, line and column', async (t) => {
  const file = fileWith(t, 'BEGIN {\n  printf("%d", );\n}');
  await assert.rejects(run({ script: { file } }), refused('BPFTRACE_SCRIPT', /script\.bt:2:\d+.*ERROR/));
  await assert.rejects(run({ script: { text: 'nosuch:probe { }' } }), refused('BPFTRACE_SCRIPT', /probe type/i));
});

test('probes that match nothing, which the heartbeat must not hide', async () => {
  const text = 'uprobe:/bin/sh:no_such_symbol { }';
  await assert.rejects(run({ script: { text } }), refused(/NOT_ATTACHED|SCRIPT/, /symbol|match/i));
  await assert.rejects(run({ script: { text: '' } }), refused('BPFTRACE_NOT_ATTACHED', /match nothing/));
});

test('a user who may not', async (t) => {
  const { path, version } = await findBpftrace();
  const asNobody = fileWith(t, `#!/bin/sh\nexec setpriv --reuid=65534 --clear-groups ${path} "$@"\n`, 0o755);
  const options = { script: { text: 'BEGIN { }' }, bpftrace: { path: asNobody, version } };
  await assert.rejects(run(options), refused('BPFTRACE_NO_PRIVILEGE', /root/));
});

test('no sign of life in time', async () => {
  const options = { script: { text: 'BEGIN { }' }, startTimeoutMs: 1 };
  await assert.rejects(run(options), refused('BPFTRACE_NO_START', /0\.001 s/));
});

test('an abort before and during the start', async () => {
  const options = { script: { text: 'BEGIN { }' } };
  await assert.rejects(run({ ...options, signal: AbortSignal.abort(new Error('early')) }), /early/);
  const controller = new AbortController();
  const starting = run({ ...options, signal: controller.signal });
  setTimeout(() => controller.abort(new Error('during')), 50);
  await assert.rejects(starting, /during/);
  assert.equal(descendantsOf(process.pid).length, 0);
});

test('no value becomes code: neither parameter nor literal', async () => {
  const hostile = ['"); system("id"); //', '-e', '%s%n', "'$1' é\n\t\\", '', '{ exit(); }'];
  const positions = hostile.map((_value, index) => `str($${index + 1})`);
  const format = hostile.map(() => '[%s]').join('');
  const parameters = await run({
    script: { text: `BEGIN { printf("${format}", ${positions.join(', ')}); exit(); }` },
    parameters: hostile,
  });
  const literals = await run({
    script: { text: `BEGIN { printf("${format}", ${hostile.map(quote).join(', ')}); exit(); }` },
  });
  const numbers = await run({ script: { text: script`BEGIN { @ = ${-5n} + $1; exit(); }` }, parameters: [-7] });
  const expected = { type: 'printf', text: hostile.map((value) => `[${value}]`).join('') };
  for (const trace of [parameters, literals]) {
    assert.deepEqual(
      (await collect(trace)).filter(({ type }) => type === 'printf'),
      [expected],
    );
  }
  assert.deepEqual((await collect(numbers)).at(-1), { type: 'map', name: '@', entries: [['', -12]] });
});

test('settings reach bpftrace: a full map is a failed helper', async () => {
  const text = 'BEGIN { @m[1] = 1; @m[2] = 1; @m[3] = 1; exit(); }';
  const messages = await collect(await run({ script: { text }, settings: { maxMapKeys: 2 } }));
  assert.equal(messages.filter(({ type }) => type === 'helper-error').length, 1);
  const map = messages.find((message) => message.type === 'map');
  assert.equal(map?.entries.length, 2);
  const without = await collect(await run({ script: { text }, settings: { maxMapKeys: 2 }, helperErrors: false }));
  assert.ok(without.every(({ type }) => type !== 'helper-error'));
});
