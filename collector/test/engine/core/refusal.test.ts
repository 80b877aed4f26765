import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants } from 'node:os';
import { refusal } from '../../../engine/core/refusal.ts';
import type { NativeError } from '../../../system/native.ts';

const { EPERM, EACCES, EINVAL } = constants.errno;
const refused = (errno: number): NativeError =>
  Object.assign(new Error('load'), { errno, log: "libbpf: prog 'sched_process_exec': failed to load: -22" });

test('a refusal is blamed on privilege, on the age of the kernel, or on forktax', () => {
  const codes = ([errno, kernel]: readonly [number, string]): string => refusal(refused(errno), kernel).code;
  const cases: readonly [readonly [number, string], string][] = [
    [[EPERM, '6.1.0'], 'FORKTAX_NO_PRIVILEGE'],
    [[EACCES, '6.1.0'], 'FORKTAX_NO_PRIVILEGE'],
    [[EINVAL, '6.1.0'], 'FORKTAX_PROBES_REFUSED'],
    [[EPERM, '5.10.0-32-amd64'], 'FORKTAX_NO_PRIVILEGE'],
    [[EACCES, '5.10.0-32-amd64'], 'FORKTAX_OLD_KERNEL'],
    [[EINVAL, '5.10.0-32-amd64'], 'FORKTAX_OLD_KERNEL'],
  ];
  for (const [given, code] of cases) assert.equal(codes(given), code, given.join(' '));
  assert.match(refusal(refused(EINVAL), '5.10.0').message, /Linux 5\.10\.0 refuses the probes: failed to load.*EINVAL/);
});
