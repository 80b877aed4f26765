/** The variables that each way sets. A value that a variable already has is kept and extended. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ForktaxError } from '../../model/errors.ts';
import { builtFile } from '../../system/built-file.ts';
import type { Via } from '../choose/choose.ts';

export interface Change {
  readonly name: 'NODE_OPTIONS' | 'LD_PRELOAD' | 'GLIBC_TUNABLES';
  readonly value: string;
}

const TUNABLE = 'glibc.malloc.hugetlb';

/**
 * Gives the variables to set. There are none for `none`, or if the environment already has what is needed.
 * @throws FORKTAX_NO_NATIVE, FORKTAX_VIA
 */
export function changesFor(via: Via, valueOf: (name: Change['name']) => string | undefined): readonly Change[] {
  switch (via) {
    case 'node':
      return extended('NODE_OPTIONS', valueOf, ' ', `--require=${quoted(registerPath())}`);
    case 'preload':
      return extended('LD_PRELOAD', valueOf, ':', loadable(preloadPath()));
    case 'hugepages':
      return withTunable(valueOf('GLIBC_TUNABLES'));
    case 'none':
      return [];
  }
}

function extended(
  name: Change['name'],
  valueOf: (name: Change['name']) => string | undefined,
  separator: string,
  addition: string,
): Change[] {
  const value = valueOf(name) ?? '';
  if (value.split(separator).includes(addition)) return [];
  return [{ name, value: value === '' ? addition : `${value}${separator}${addition}` }];
}

/** Keeps a value that somebody has chosen, even 0. */
function withTunable(value = ''): Change[] {
  if (value.split(':').some((each) => each.startsWith(`${TUNABLE}=`))) return [];
  return [{ name: 'GLIBC_TUNABLES', value: `${value === '' ? '' : `${value}:`}${TUNABLE}=1` }];
}

/** Node splits NODE_OPTIONS at spaces outside of double quotes; within them a backslash escapes: node(1). */
function quoted(path: string): string {
  return /[\s"\\]/.test(path) ? `"${path.replaceAll(/["\\]/g, '\\$&')}"` : path;
}

/** The dynamic loader splits LD_PRELOAD at spaces and colons, which cannot be escaped: ld.so(8). */
function loadable(path: string): string {
  if (!/[\s:]/.test(path)) return path;
  throw new ForktaxError('FORKTAX_VIA', `LD_PRELOAD cannot hold a path with spaces or colons: ${path}`);
}

function registerPath(): string {
  return built(fileURLToPath(import.meta.resolve('afork/register')));
}

function preloadPath(): string {
  return built(builtFile('native/preload/build/libafork-preload.so'));
}

function built(path: string): string {
  if (existsSync(path)) return path;
  throw new ForktaxError('FORKTAX_NO_NATIVE', `afork is not built: ${path} does not exist`);
}

/** Sets variables in an environment whose entries are `NAME=value`. */
export function withChanges(environment: readonly Buffer[], changes: readonly Change[]): (Buffer | string)[] {
  const isChanged = (entry: Buffer): boolean =>
    changes.some(({ name }) => entry.toString('latin1').startsWith(`${name}=`));
  const kept = environment.filter((entry) => !isChanged(entry));
  return [...kept, ...changes.map(({ name, value }) => `${name}=${value}`)];
}
