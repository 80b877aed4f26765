import { ForktaxError } from '../model/errors.ts';

/** What a shell would say about an exec that failed with this error. */
export function execError(command: string, code: string): ForktaxError {
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new ForktaxError('FORKTAX_NOT_FOUND', `${command}: no such file or directory`);
  return new ForktaxError('FORKTAX_NOT_EXECUTABLE', `${command}: ${EXPLANATIONS[code] ?? code}`);
}

const EXPLANATIONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  ENOEXEC: 'is neither a program for this machine nor a script',
  E2BIG: 'the arguments and the environment are too long',
  ETXTBSY: 'is being written to',
};
