/** Flags that choose spawners by process and by name, and what the engine has to filter for them. */
import { Option } from '@commander-js/extra-typings';
import { ForktaxError } from '../model/errors.ts';
import { isGeneric, type Naming } from '../model/naming.ts';
import type { EngineOptions } from '../model/options.ts';
import { parseComm, parsePid } from '../terminal/arguments.ts';

export function pidOption() {
  return new Option('-p, --pid <pid>', 'only spawns by this process').argParser(parsePid);
}

export function followOption() {
  return new Option('--follow', 'with -p: also spawns by its descendants');
}

export function nameOption() {
  return new Option(
    '-n, --name <name>',
    'only spawns by processes of this name, their own or that of their executable',
  ).argParser(parseComm);
}

export interface SpawnerWish {
  readonly pid?: number | undefined;
  readonly follow?: boolean | undefined;
  readonly name?: string | undefined;
  readonly nameBy: Naming;
}

export interface SpawnerChoice extends Pick<EngineOptions, 'filter' | 'nameBy'> {
  /** Only spawners that are shown by this name. The kernel has not picked them. */
  readonly shownName?: string;
}

/**
 * The kernel finds descendants only through spawners that pass its filter, so a name there would hide their children: then the
 * name is picked from what is shown. `hasCommand`: the descendants of a command are followed.
 * @throws FORKTAX_USAGE: --follow without --pid
 */
export function chooseSpawners(
  { pid, follow = false, name, nameBy }: SpawnerWish,
  { hasCommand = false } = {},
): SpawnerChoice {
  if (follow && pid === undefined) throw new ForktaxError('FORKTAX_USAGE', '--follow needs --pid');
  const byPid = pid === undefined ? {} : { pid, follow };
  if (name === undefined) return { filter: byPid, nameBy };
  if (!follow && !hasCommand) return { filter: { ...byPid, comm: name }, nameBy };
  return { filter: byPid, nameBy: isGeneric(name) ? 'comm' : nameBy, shownName: name };
}
