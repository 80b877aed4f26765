/** Why a kernel that refused the probes did so, as an error for a person. */
import { release } from 'node:os';
import { getSystemErrorName } from 'node:util';
import { ForktaxError } from '../../model/errors.ts';
import { isAtLeast, OLDEST_KERNEL } from '../../model/kernel-version.ts';
import type { NativeError } from '../../system/native.ts';
import { reasonOf } from '../shared/native-reason.ts';

/**
 * Gives FORKTAX_NO_PRIVILEGE, FORKTAX_OLD_KERNEL or FORKTAX_PROBES_REFUSED. The verifier refuses with EACCES too, so on an
 * old kernel only EPERM means that a privilege is missing.
 */
export function refusal(error: NativeError, kernel = release()): ForktaxError {
  const name = error.errno ? getSystemErrorName(-error.errno) : '';
  const isOld = !isAtLeast(kernel, OLDEST_KERNEL);
  const more = { detail: error.log, cause: error };
  if (name === 'EPERM' || (name === 'EACCES' && !isOld))
    return new ForktaxError('FORKTAX_NO_PRIVILEGE', 'the kernel does not let this process load BPF programs', more);
  if (isOld)
    return new ForktaxError('FORKTAX_OLD_KERNEL', `Linux ${kernel} refuses the probes: ${reasonOf(error)}`, more);
  return new ForktaxError('FORKTAX_PROBES_REFUSED', `the kernel refused the probes: ${reasonOf(error)}`, more);
}
