import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { ForktaxError } from '../../model/errors.ts';

/** @throws FORKTAX_CONFIG: `setting` names the file in question. */
export async function readYaml(path: string, setting: string): Promise<unknown> {
  try {
    // 'error': what is merely odd must not go to the console past the log.
    return parse(await readFile(path, 'utf8'), { logLevel: 'error', prettyErrors: true }) ?? {};
  } catch (cause) {
    const [reason = ''] = cause instanceof Error ? cause.message.split(':\n') : [];
    throw new ForktaxError('FORKTAX_CONFIG', `${setting}: cannot read ${path}: ${reason}`, { cause });
  }
}

export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
