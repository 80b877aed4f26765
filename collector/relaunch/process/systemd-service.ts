/** systemd would start a service again after its end. So a service is changed by a drop-in file: systemd.unit(5). */
import type { Change } from '../plan/variables.ts';

export interface Service {
  readonly unit: string;
  /** True if it belongs to a user's own systemd. */
  readonly isUsers: boolean;
}

/** Gives the innermost unit of a control group, if that is a service. */
export function serviceOf(cgroup: string): Service | undefined {
  const units = cgroup.split('/').filter((part) => /\.(service|scope)$/.test(part));
  const unit = units.at(-1);
  if (!unit?.endsWith('.service') || /^user@\d+\.service$/.test(unit)) return undefined;
  return { unit: unescaped(unit), isUsers: units.some((each) => /^user@\d+\.service$/.test(each)) };
}

/** systemd puts `_` before the name of a unit that looks like a file of the kernel's cgroup interface. */
function unescaped(part: string): string {
  return part.startsWith('_') ? part.slice(1) : part;
}

export interface DropIn {
  readonly path: string;
  readonly content: string;
  readonly commands: readonly string[];
}

export function dropInFor({ unit, isUsers }: Service, changes: readonly Change[]): DropIn {
  const systemctl = isUsers ? 'systemctl --user' : 'systemctl';
  return {
    path: `${isUsers ? '~/.config/systemd/user' : '/etc/systemd/system'}/${unit}.d/forktax.conf`,
    content: [
      '[Service]',
      ...changes.map(({ name, value }) => `Environment="${escaped(`${name}=${value}`)}"`),
      '',
    ].join('\n'),
    commands: [`${systemctl} daemon-reload`, `${systemctl} restart ${unit}`],
  };
}

function escaped(assignment: string): string {
  return assignment.replaceAll(/["\\]/g, '\\$&').replaceAll('%', '%%');
}
