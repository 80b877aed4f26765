/** Finds where spawners run: in which container or unit. */
import { placeName } from '../model/cgroup-identity.ts';
import type { RowLabel } from '../model/options.ts';
import type { CostRow } from '../model/rows.ts';
import { SpawnerCgroups } from '../system/spawner-cgroups.ts';

/** What could not be found so often is gone. */
const MOST_TRIES = 3;

export class Places {
  readonly #label: RowLabel;
  readonly #cgroups = new SpawnerCgroups();
  readonly #found = new Map<string, string>();
  readonly #tries = new Map<string, number>();

  constructor(label: RowLabel) {
    this.#label = label;
  }

  /** Gives undefined where that is not known, as of a process or cgroup that has gone. */
  of({ comm, id }: Pick<CostRow, 'comm' | 'id'>): string | undefined {
    if (id === undefined) return undefined;
    const key = this.#label === 'pid' ? `${id} ${comm}` : id;
    const tries = this.#tries.get(key) ?? 0;
    if (this.#found.has(key) || tries >= MOST_TRIES) return this.#found.get(key);
    const path = this.#label === 'pid' ? this.#cgroups.pathOf(Number(id), '') : this.#cgroups.pathOfId(id);
    this.#tries.set(key, tries + 1);
    if (path !== undefined) this.#found.set(key, placeName(path));
    return this.#found.get(key);
  }
}
