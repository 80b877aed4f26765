/** Looks a command up as a shell does. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import { ForktaxError } from '../model/errors.ts';
import { execError } from './exec-error.ts';

/** What execvp(3) searches if PATH is not set. */
const DEFAULT_PATH = '/bin:/usr/bin';

export interface Place {
  /** The value of PATH. */
  readonly searchPath: string | undefined;
  /** The working directory. */
  readonly directory: string;
}

/**
 * Gives the absolute path of a command. Links are not resolved.
 * @throws FORKTAX_NOT_FOUND, FORKTAX_NOT_EXECUTABLE: their exit statuses are those of a shell, 127 and 126
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
    if (error instanceof ForktaxError) throw error;
    throw execError(command, (error as NodeJS.ErrnoException).code ?? 'EIO');
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof ForktaxError && error.code === 'FORKTAX_NOT_EXECUTABLE';
}
