/** Remembers, from events, which program each spawner runs. */
import { BoundedMap } from '../model/bounded-map.ts';
import type { EngineEvent } from '../model/events.ts';
import type { CostRow } from '../model/rows.ts';
import { examineSpawner, programOf, type ExaminedSpawner } from './examine-spawner.ts';
import type { Program } from '../relaunch/choose/program.ts';

/** What a child runs until it is seen to spawn itself: what it exec'd, or what its spawner runs. */
type Child = Pick<ExaminedSpawner, 'foreignMounts'> & { readonly exec?: string; readonly program?: Program };

/** Those of the last events. A table of costs has 1024 rows; a child is forgotten when its exit is seen, which may be lost. */
const MOST_REMEMBERED = 16_384;

export class Spawners {
  readonly #spawners = new BoundedMap<string, ExaminedSpawner>(MOST_REMEMBERED);
  readonly #children = new BoundedMap<number, Child>(MOST_REMEMBERED);

  take(event: EngineEvent): void {
    if (event.kind === 'exit') this.#children.delete(event.child);
    if (event.kind !== 'spawn' && event.kind !== 'exec') return;
    const { program, foreignMounts } = this.#spawner(event.pid, event.comm);
    const mounts = foreignMounts === undefined ? {} : { foreignMounts };
    // The exec of a child may be told before its spawn.
    if (event.kind === 'exec') this.#children.set(event.child, { ...mounts, exec: event.file });
    else if (!this.#children.has(event.child))
      this.#children.set(event.child, { ...mounts, ...(program && { program }) });
  }

  /** Gives the spawner that a row with the label `pid` is of. */
  of({ comm, id }: Pick<CostRow, 'comm' | 'id'>): ExaminedSpawner | undefined {
    return this.#spawners.get(keyOf(Number(id), comm));
  }

  /** Examines a spawner at its first event, because many end soon. */
  #spawner(pid: number, comm: string): ExaminedSpawner {
    const key = keyOf(pid, comm);
    const spawner = this.#spawners.get(key) ?? examineSpawner(pid, comm) ?? this.#ended(pid);
    this.#spawners.set(key, spawner);
    return spawner;
  }

  #ended(pid: number): ExaminedSpawner {
    const { exec, program: inherited, foreignMounts } = this.#children.get(pid) ?? {};
    if (foreignMounts !== undefined) return { pid, foreignMounts };
    // A path that is not absolute would be looked for in another directory.
    const program = exec?.startsWith('/') ? programOf(exec) : inherited;
    return { pid, ...(program && { program }) };
  }
}

const keyOf = (pid: number, comm: string): string => `${pid} ${comm}`;
