/** Finds the paths of spawners' cgroups as events come, from the kernel's id or from the process while it lives. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BoundedMap } from '../model/bounded-map.ts';
import { identifyCgroup } from '../model/cgroup-identity.ts';
import { cgroupRoot } from './cgroups.ts';

const MAX_DIRECTORIES = 20_000;
const WALK_EVERY_MS = 1000;
/** A process is asked again after this: it may have moved, or its pid may be another's. */
const TOLD_FOR_MS = 100;
const MOST_TOLD = 4096;

interface Options {
  readonly root?: string;
  readonly proc?: string;
  readonly now?: () => number;
}

interface Told {
  readonly path: string;
  readonly atMs: number;
}

export class SpawnerCgroups {
  readonly #root: string;
  readonly #proc: string;
  readonly #now: () => number;
  /** Cgroups that exist are set again at each walk, so those that have gone longest are forgotten. */
  readonly #paths = new BoundedMap<string, string>(2 * MAX_DIRECTORIES);
  /** What the last processes told that were asked, for the events that come after their end. */
  readonly #told = new BoundedMap<number, Told>(MOST_TOLD);
  #walkedAt = -Infinity;

  constructor({ root = cgroupRoot(), proc = '/proc', now = Date.now }: Options = {}) {
    this.#root = root;
    this.#proc = proc;
    this.#now = now;
    this.#walk();
  }

  /** Paths of the cgroups that exist, or did since this began. */
  get paths(): Iterable<string> {
    return this.#paths.values();
  }

  /** Gives the path of a spawner's cgroup; undefined if the cgroup and the process have gone. */
  pathOf(pid: number, id: string): string | undefined {
    const known = this.#paths.get(id);
    // A host that still uses cgroup v1 may keep everything in the root of the unified hierarchy.
    if (known !== undefined && known !== '/') return known;
    const last = this.#told.get(pid);
    if (known !== undefined && last && this.#now() - last.atMs < TOLD_FOR_MS) return last.path;
    const told = this.#toldBy(pid);
    if (told?.unified !== undefined && this.#hasId(told.unified, id)) this.#paths.set(id, told.unified);
    if (told) return this.#remember(pid, told.best);
    if (known !== undefined) return last?.path ?? known;
    this.#walk();
    return this.#paths.get(id);
  }

  /** Gives the path of a cgroup; undefined if it has gone and was not known. */
  pathOfId(id: string): string | undefined {
    if (!this.#paths.has(id)) this.#walk();
    return this.#paths.get(id);
  }

  #remember(pid: number, path: string): string {
    this.#told.set(pid, { path, atMs: this.#now() });
    return path;
  }

  #toldBy(pid: number): { unified: string | undefined; best: string } | undefined {
    try {
      return parseProcCgroup(readFileSync(`${this.#proc}/${pid}/cgroup`, 'utf8'));
    } catch {
      return undefined;
    }
  }

  /** The process may have moved since, or its pid may be another's. */
  #hasId(path: string, id: string): boolean {
    return inodeOf(join(this.#root, path)) === id;
  }

  #walk(): void {
    if (this.#now() - this.#walkedAt < WALK_EVERY_MS) return;
    this.#walkedAt = this.#now();
    const queue = ['/'];
    for (const path of queue) {
      const id = inodeOf(join(this.#root, path));
      if (id !== undefined) this.#paths.set(id, path);
      if (queue.length < MAX_DIRECTORIES) queue.push(...directoriesIn(this.#root, path));
    }
  }
}

/** Gives the path that says most: cgroup v1 has a line for each hierarchy. */
export function parseProcCgroup(text: string): { unified: string | undefined; best: string } {
  const lines = text.split('\n').flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    return path === undefined ? [] : [{ controllers, path }];
  });
  const unified = lines.find(({ controllers }) => controllers === '')?.path;
  const systemd = lines.find(({ controllers }) => controllers === 'name=systemd')?.path;
  const inContainer = lines.find(({ path }) => identifyCgroup(path).container)?.path;
  return { unified, best: inContainer ?? [unified, systemd].find((path) => path && path !== '/') ?? '/' };
}

/** Gives undefined if the cgroup has gone, or its path cannot be reached from here. */
function inodeOf(path: string): string | undefined {
  try {
    return String(statSync(path, { bigint: true }).ino);
  } catch {
    return undefined;
  }
}

function directoriesIn(root: string, path: string): string[] {
  try {
    const entries = readdirSync(join(root, path), { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => join(path, entry.name));
  } catch {
    return [];
  }
}
