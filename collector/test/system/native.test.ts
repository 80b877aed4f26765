import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dropCapabilities } from '../../system/native.ts';

const CAP_BPF = 1n << 39n;

test('capabilities are given up, all but CAP_BPF where maps cannot be read without it', () => {
  for (const needsCapBpf of [false, true]) {
    const calls: bigint[][] = [];
    const { keptCapBpf } = dropCapabilities(
      () => {
        if (needsCapBpf && calls.at(-1)?.[1] !== CAP_BPF) throw new Error('EPERM');
      },
      { reduceCapabilities: (...masks) => calls.push(masks) },
    );
    assert.equal(keptCapBpf, needsCapBpf);
    assert.deepEqual(calls, [[CAP_BPF, 0n], needsCapBpf ? [CAP_BPF, CAP_BPF] : [0n, 0n]]);
  }
});

test('capabilities that cannot be given up are an error that says so', () => {
  const reduceCapabilities = (): never => {
    throw new Error('cannot drop capabilities: Operation not permitted');
  };
  assert.throws(
    () => dropCapabilities(() => {}, { reduceCapabilities }),
    (error: Error & { code?: string }) =>
      error.code === 'FORKTAX_CAPABILITIES' && error.message.includes('Operation not permitted'),
  );
});
