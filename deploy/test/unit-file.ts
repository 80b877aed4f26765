/** Reads deploy/systemd/forktax.service, and makes a container with its sandbox as far as that is possible. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TOP } from './compose-file.ts';
import type { OciConfig } from './container.ts';

export const UNIT = join(TOP, 'deploy/systemd/forktax.service');

/** Gives every value of the setting, in order. */
export function unitSetting(name: string): string[] {
  return [...readFileSync(UNIT, 'utf8').matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value = '']) => value);
}

/** Makes a container without root, with the unit's capabilities, system calls and view of /proc, and with a read-only root. */
export function unitContainer(root: string): (proposed: OciConfig) => OciConfig {
  const capabilities = unitSetting('AmbientCapabilities').flatMap((value) => value.split(' '));
  const sets = ['bounding', 'permitted', 'effective', 'inheritable', 'ambient'];
  return (proposed) => ({
    ...proposed,
    root: { path: root, readonly: true },
    process: {
      ...proposed.process,
      terminal: false,
      user: { uid: 61_184, gid: 61_184 },
      args: unitSetting('ExecStart')[0]?.replace('/usr/local/', '/usr/').split(' ') ?? [],
      noNewPrivileges: true,
      capabilities: Object.fromEntries(sets.map((set) => [set, capabilities])),
    },
    mounts: proposed.mounts.map((mount) => (mount.type === 'proc' ? { ...mount, options: procOptions() } : mount)),
    linux: {
      ...proposed.linux,
      namespaces: proposed.linux.namespaces.filter(({ type }) => type !== 'pid' && type !== 'cgroup'),
      seccomp: {
        defaultAction: 'SCMP_ACT_ERRNO',
        syscalls: [{ names: [...allowedSystemCalls()], action: 'SCMP_ACT_ALLOW' }],
      },
    },
  });
}

function procOptions(): string[] {
  return [`hidepid=${unitSetting('ProtectProc')[0]}`, `subset=${unitSetting('ProcSubset')[0]}`];
}

/** The first list allows calls. Later lists add calls, or remove them with ~: systemd.exec(5). */
function allowedSystemCalls(): Set<string> {
  const allowed = new Set(systemCallsOf('@default'));
  for (const value of unitSetting('SystemCallFilter')) {
    const [, not, names = ''] = /^(~?)(.*)$/.exec(value) ?? [];
    for (const name of names.split(' ').flatMap(systemCallsOf)) {
      if (not) allowed.delete(name);
      else allowed.add(name);
    }
  }
  return allowed;
}

function systemCallsOf(name: string): string[] {
  if (!name.startsWith('@')) return [name];
  const text = execFileSync('systemd-analyze', ['syscall-filter', name], { encoding: 'utf8' });
  const [, ...members] = text.split('\n').map((line) => line.trim());
  return members.filter((member) => member !== '' && !member.startsWith('#')).flatMap(systemCallsOf);
}
