/**
 * Translates between cgroup ids, which the kernel uses, and paths, which people use. In cgroup v2 the id is the inode
 * number of the cgroup's directory (on 64-bit kernels kernfs gives both the same number).
 */
import { readFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { identifyCgroup, type CgroupIdentity, type NamedCgroup, type PodDirectory } from '../model/cgroup-identity.ts';
import { ForktaxError } from '../model/errors.ts';

/** The name of every cgroup whose path is not known. */
export const UNKNOWN_CGROUP = '(unknown)';

const MAX_DIRECTORIES = 20_000;
const MAX_DEPTH = 32;
const KEEP_MS = 600_000;

/**
 * Finds where the v2 hierarchy is mounted; a host that uses v1 too mounts it at another place. A v1 hierarchy must not
 * be searched: its inode numbers look like v2 ids and belong to other cgroups.
 */
export function cgroupRoot(mountinfo: string = readFileSync('/proc/self/mountinfo', 'utf8')): string {
  const mount = mountinfo.split('\n').find((line) => line.includes(' - cgroup2 '));
  const path = mount?.split(' ')[4] ?? '/sys/fs/cgroup';
  return path.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/**
 * Gives the id of a cgroup. It may be named by its id, by its path below the cgroup mount
 * (`/system.slice/ssh.service`), or by its full path.
 * @throws FORKTAX_CONFIG: there is no such cgroup
 */
export async function cgroupIdOf(idOrPath: string, root: string = cgroupRoot()): Promise<string> {
  if (/^\d+$/.test(idOrPath)) return idOrPath;
  const path = idOrPath.startsWith(`${root}/`) || idOrPath === root ? idOrPath : join(root, idOrPath);
  try {
    const { ino } = await stat(path, { bigint: true });
    return String(ino);
  } catch (cause) {
    throw new ForktaxError('FORKTAX_CONFIG', `cgroup: there is no cgroup ${idOrPath} (${path})`, { cause });
  }
}

export interface CgroupNames {
  /** Looks up the ids that are not known yet, in one walk of the tree. Call it before `nameOf`. */
  readonly resolve: (ids: Iterable<string>) => Promise<void>;
  /** Gives the path below the mount, or `(unknown)`. */
  readonly nameOf: (id: string) => string;
  /** Gives the unit, container and pod of a cgroup, as far as they are known. */
  readonly identityOf: (id: string) => NamedCgroup;
}

interface Options {
  readonly root?: string;
  readonly now?: () => number;
  readonly maxDirectories?: number;
  readonly pods?: PodDirectory;
}

interface Known {
  readonly name: string;
  readonly identity: CgroupIdentity;
  askedAt: number;
}

/**
 * Remembers names until nobody has asked for them for ten minutes. A removed cgroup keeps its name for that time: its
 * costs stay in the table, and a series must not change its name. An id that a walk did not find stays `(unknown)` for
 * that time: its cgroup had been removed, and the kernel does not give the id to another.
 */
export function createCgroupNames({
  root = cgroupRoot(),
  now = Date.now,
  maxDirectories,
  pods,
}: Options = {}): CgroupNames {
  const known = new Map<string, Known>();
  let walk = Promise.resolve();

  async function lookUp(ids: readonly string[]): Promise<void> {
    const missing = ids.filter((id) => !known.has(id));
    if (missing.length === 0) return;
    const found = await findCgroups(root, new Set(missing), maxDirectories);
    for (const id of missing) {
      const name = found.get(id) ?? UNKNOWN_CGROUP;
      known.set(id, { name, identity: identifyCgroup(name), askedAt: now() });
    }
  }

  return {
    resolve: async (ids) => {
      const wanted = [...new Set(ids)];
      for (const id of wanted) touch(id);
      for (const [id, { askedAt }] of known) if (now() - askedAt > KEEP_MS) known.delete(id);
      walk = walk.then(() => lookUp(wanted));
      await walk;
      await pods?.resolve(wanted.flatMap((id) => known.get(id)?.identity ?? []));
    },
    nameOf: (id) => known.get(id)?.name ?? UNKNOWN_CGROUP,
    identityOf(id) {
      const { identity = {} } = known.get(id) ?? {};
      const names = pods?.namesOf(identity);
      return names ? { ...identity, names } : identity;
    },
  };

  function touch(id: string): void {
    const entry = known.get(id);
    if (entry) entry.askedAt = now();
  }
}

/** Walks the tree breadth first, until all ids of `wanted` are found. */
async function findCgroups(
  root: string,
  wanted: ReadonlySet<string>,
  maxDirectories = MAX_DIRECTORIES,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  let level = ['/'];
  let left = maxDirectories;
  for (let depth = 0; depth < MAX_DEPTH && level.length > 0 && left > 0 && found.size < wanted.size; depth++) {
    const below: string[] = [];
    for (const path of level.slice(0, left)) {
      const id = await inodeOf(join(root, path));
      if (id !== undefined && wanted.has(id)) found.set(id, path);
      below.push(...(await directoriesIn(root, path)));
    }
    left -= level.length;
    level = below;
  }
  return found;
}

/** A cgroup may be removed during the walk; it has neither an inode nor children then. */
async function inodeOf(path: string): Promise<string | undefined> {
  const stats = await stat(path, { bigint: true }).catch(() => undefined);
  return stats && String(stats.ino);
}

async function directoriesIn(root: string, path: string): Promise<string[]> {
  const entries = await readdir(join(root, path), { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(path, entry.name));
}
