/** Runs a command as the user nobody, wherever this checkout is. */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** Gives the topmost folder above the path that only its owner may enter, such as /root. */
function hiddenFolder(path: string): string | undefined {
  const parent = dirname(path);
  const above = parent === path ? undefined : hiddenFolder(parent);
  return above ?? (path !== REPOSITORY && (statSync(path).mode & 0o001) === 0 ? path : undefined);
}

/** A script that, in its own mount namespace, covers that folder with an open one that has only what is needed. */
const UNCOVER = `
  hidden=$1 repository=$2 node=$3 stage=$(mktemp -d)
  shift 3
  mkdir "$stage/repository" && touch "$stage/node"
  mount --bind "$repository" "$stage/repository"
  mount --bind "$node" "$stage/node"
  mount -t tmpfs -o mode=755 none "$hidden"
  mkdir -p "$repository" && mount --bind "$stage/repository" "$repository"
  [ -e "$node" ] || { mkdir -p "$(dirname "$node")" && touch "$node" && mount --bind "$stage/node" "$node"; }
  cd /
  exec "$@"`;

const hidden = hiddenFolder(dirname(REPOSITORY)) ?? hiddenFolder(dirname(process.execPath));

/** Why a process of another user cannot run what is in this checkout, outside of a mount namespace of its own. */
export const WHY_HIDDEN = hidden !== undefined && `other users cannot enter ${hidden}`;

function uncovered(): readonly string[] {
  if (hidden === undefined) return [];
  return [
    'unshare',
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-c',
    UNCOVER,
    'sh',
    hidden,
    REPOSITORY,
    process.execPath,
  ];
}

/** A command that runs the one after it; setpriv(1) and unshare(1) keep the process id. */
export const NOBODY: readonly string[] = [
  ...uncovered(),
  'setpriv',
  '--reuid=65534',
  '--regid=65534',
  '--clear-groups',
];

/** Gives the same command with only these capabilities, by names such as `bpf`. */
export function nobodyWith(...capabilities: readonly string[]): readonly string[] {
  const list = capabilities.map((name) => `+${name}`).join(',');
  return [...NOBODY, `--inh-caps=${list}`, `--ambient-caps=${list}`];
}
