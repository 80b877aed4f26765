/**
 * Cgroup ids, as the kernel gives them, and paths, as people know them. In cgroup v2 the id is the inode number of the
 * cgroup's directory (kernfs gives both the same number on 64-bit kernels).
 */
import { readFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ForktaxError } from '../model/errors.ts';

/** What the ids of all cgroups without a known path are called. */
export const UNKNOWN_CGROUP = '(unknown)';

const MAX_DIRECTORIES = 20_000;
const MAX_DEPTH = 32;
const KEEP_MS = 600_000;

/**
 * Where the v2 hierarchy is mounted: not at the usual place where v1 is used beside it. Inode numbers of v1 hierarchies
 * are the same numbers and mean other cgroups.
 */
export function cgroupRoot(mountinfo: string = readFileSync('/proc/self/mountinfo', 'utf8')): string {
  const mount = mountinfo.split('\n').find((line) => line.includes(' - cgroup2 '));
  const path = mount?.split(' ')[4] ?? '/sys/fs/cgroup';
  return path.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** Resolves an id, a path below the cgroup mount (`/system.slice/ssh.service`) or one that includes it. */
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
  /** Looks the ids up that are not known yet, in one walk of the tree. Call it before `nameOf`. */
  readonly resolve: (ids: Iterable<string>) => Promise<void>;
  /** The path below the mount, or `(unknown)`. */
  readonly nameOf: (id: string) => string;
}

interface Options {
  readonly root?: string;
  readonly now?: () => number;
  readonly maxDirectories?: number;
}

/**
 * A cgroup that has gone keeps its name for as long as it is asked for, and ten minutes more: its costs stay in the
 * table, and a series must not change its name. What a walk did not find is not looked for again in that time: its
 * cgroup was gone by then, and no other will get its id.
 */
export function createCgroupNames({ root = cgroupRoot(), now = Date.now, maxDirectories }: Options = {}): CgroupNames {
  const known = new Map<string, { name: string; askedAt: number }>();
  let walk = Promise.resolve();

  async function lookUp(ids: readonly string[]): Promise<void> {
    const missing = ids.filter((id) => !known.has(id));
    if (missing.length === 0) return;
    const found = await findCgroups(root, new Set(missing), maxDirectories);
    for (const id of missing) known.set(id, { name: found.get(id) ?? UNKNOWN_CGROUP, askedAt: now() });
  }

  return {
    resolve: async (ids) => {
      const wanted = [...new Set(ids)];
      for (const id of wanted) touch(id);
      for (const [id, { askedAt }] of known) if (now() - askedAt > KEEP_MS) known.delete(id);
      walk = walk.then(() => lookUp(wanted));
      await walk;
    },
    nameOf: (id) => known.get(id)?.name ?? UNKNOWN_CGROUP,
  };

  function touch(id: string): void {
    const entry = known.get(id);
    if (entry) entry.askedAt = now();
  }
}

/** Breadth first, and no further than needed: what the ids of `wanted` are called. */
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

/** A cgroup may go at any time: then it has neither inode nor children. */
async function inodeOf(path: string): Promise<string | undefined> {
  const stats = await stat(path, { bigint: true }).catch(() => undefined);
  return stats && String(stats.ino);
}

async function directoriesIn(root: string, path: string): Promise<string[]> {
  const entries = await readdir(join(root, path), { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(path, entry.name));
}
