/** Looks a command up as a shell does. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import { ForktaxError } from '../../model/errors.ts';

/** Of execvp(3), where PATH is not set. */
const DEFAULT_PATH = '/bin:/usr/bin';

export interface Place {
  readonly searchPath: string | undefined;
  readonly directory: string;
}

/**
 * The path of a command: absolute, links as they are.
 * @throws FORKTAX_NOT_FOUND, FORKTAX_NOT_EXECUTABLE: a shell's 127 and 126
 */
export function findCommand(command: string, { searchPath, directory }: Place): string {
  if (command.includes('/')) return checked(command, resolve(directory, command));
  let refused: unknown;
  for (const each of (searchPath ?? DEFAULT_PATH).split(delimiter)) {
    try {
      return checked(command, resolve(directory, each, command));
    } catch (error) {
      if (isRefusal(error)) refused ??= error;
    }
  }
  throw refused ?? new ForktaxError('FORKTAX_NOT_FOUND', `${command}: command not found`);
}

function checked(command: string, path: string): string {
  try {
    const stats = statSync(path);
    if (stats.isDirectory()) throw new ForktaxError('FORKTAX_NOT_EXECUTABLE', `${command}: is a directory`);
    accessSync(path, constants.X_OK);
    return path;
  } catch (error) {
    throw explained(command, error);
  }
}

function explained(command: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof ForktaxError) return error;
  return execError(command, code ?? 'EIO');
}

/** What a shell would say of an exec that failed so. */
export function execError(command: string, code: string): ForktaxError {
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new ForktaxError('FORKTAX_NOT_FOUND', `${command}: no such file or directory`);
  const said = SAID[code] ?? code;
  return new ForktaxError('FORKTAX_NOT_EXECUTABLE', `${command}: ${said}`);
}

const SAID: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  ENOEXEC: 'is neither a program for this machine nor a script',
  E2BIG: 'the arguments and the environment are too long',
  ETXTBSY: 'is being written to',
};

function isRefusal(error: unknown): boolean {
  return error instanceof ForktaxError && error.code === 'FORKTAX_NOT_EXECUTABLE';
}
