import { InvalidArgumentError, Option } from '@commander-js/extra-typings';
import type { Engine } from '../model/engine.ts';
import { SpawnerCgroups } from '../system/spawner-cgroups.ts';
import { identifyCgroup } from '../model/cgroup-identity.ts';
import { ForktaxError } from '../model/errors.ts';

export interface CgroupWish {
  readonly unit?: string | undefined;
  readonly container?: string | undefined;
}

export function unitOption() {
  return new Option(
    '--unit <unit>',
    'only spawns by processes of this unit of systemd, such as ssh.service or ssh',
  ).argParser(parseName);
}

export function containerOption() {
  return new Option(
    '--container <id>',
    'only spawns by processes of this container: the first digits of its id, or its name if it has no id',
  ).argParser(parseName);
}

function parseName(text: string): string {
  if (text === '') throw new InvalidArgumentError('Give a name.');
  return text;
}

/** Gives what tells whether a cgroup is wanted; undefined if any is. */
export function cgroupFilter({ unit, container }: CgroupWish): ((path: string) => boolean) | undefined {
  if (unit === undefined && container === undefined) return undefined;
  return (path) => {
    const found = identifyCgroup(path);
    const isUnit = unit === undefined || found.unit === unit || found.unit === `${unit}.service`;
    return isUnit && (container === undefined || found.container?.id.startsWith(container) === true);
  };
}

/**
 * Gives the cgroups of this host; undefined for a recording, which is of another host or another time.
 * @throws FORKTAX_NO_CGROUP: what is wanted is not here; FORKTAX_RECORDING
 */
export function cgroupsFor(engine: Pick<Engine, 'name'>, wish: CgroupWish): SpawnerCgroups | undefined {
  const isWanted = cgroupFilter(wish);
  if (engine.name === 'replay') {
    if (!isWanted) return undefined;
    throw new ForktaxError('FORKTAX_RECORDING', 'a recording holds no names of units and containers');
  }
  const cgroups = new SpawnerCgroups();
  if (isWanted && ![...cgroups.paths].some(isWanted)) throw missing(wish);
  return cgroups;
}

function missing({ unit, container }: CgroupWish): ForktaxError {
  const named = [
    ...(unit === undefined ? [] : [`unit ${unit}`]),
    ...(container === undefined ? [] : [`container ${container}`]),
  ];
  return new ForktaxError('FORKTAX_NO_CGROUP', `there is no ${named.join(' with a ')} here, or it has no cgroup`);
}
