import { InvalidArgumentError, Option } from '@commander-js/extra-typings';
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

/** @throws FORKTAX_NO_CGROUP */
export function requireCgroup(wish: CgroupWish, paths: Iterable<string>): void {
  const isWanted = cgroupFilter(wish);
  if (!isWanted || [...paths].some(isWanted)) return;
  const named = [wish.unit && `unit ${wish.unit}`, wish.container && `container ${wish.container}`].filter(Boolean);
  throw new ForktaxError('FORKTAX_NO_CGROUP', `there is no ${named.join(' with a ')} here, or it has no cgroup`);
}
