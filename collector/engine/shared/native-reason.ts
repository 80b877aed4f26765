import { getSystemErrorName } from 'node:util';
import type { NativeError } from '../../system/native.ts';

/** Gives the reason for a person: libbpf's last message that is not about the errno, and the errno. */
export function reasonOf(error: NativeError): string {
  const name = error.errno ? getSystemErrorName(-error.errno) : error.message;
  const said = (error.log ?? '')
    .split('\n')
    .map((line) => line.replace(/^libbpf: (prog '\w+': )?/, '').trim())
    .find((line) => /fail|cannot|unable|not supported/i.test(line) && !line.startsWith('permission error'));
  return said ? `${said} (${name})` : name;
}
