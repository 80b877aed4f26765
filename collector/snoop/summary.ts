import { MECHANISMS, type Mechanism } from '../model/spawn.ts';
import type { EngineEvent } from '../model/events.ts';
import { OTHER } from '../model/rows.ts';
import { Sketch } from '../model/sketch.ts';

/** Names beyond so many are added up as `(other)`. */
const MOST_SPAWNERS = 10_000;

/** So many spawners are named. */
export const WORST = 5;

/** The stalls of all spawners of one name. */
export interface SpawnerStalls {
  readonly comm: string;
  spawns: number;
  stallNs: number;
  longestNs: number;
  /** The process of the longest stall. */
  pid: number;
}

/** What a stream of events amounted to. */
export class SpawnSummary {
  /** Stalls in nanoseconds; only of spawns whose stall could be measured. */
  readonly stalls: Readonly<Record<Mechanism, Sketch>> = {
    fork: new Sketch(),
    vfork: new Sketch(),
    afork: new Sketch(),
  };
  readonly spawns: Record<Mechanism, number> = { fork: 0, vfork: 0, afork: 0 };
  readonly #spawners = new Map<string, SpawnerStalls>();
  /** By errno. */
  readonly spawnFailures = new Map<number, number>();
  readonly execFailures = new Map<number, number>();

  add(event: EngineEvent): void {
    if (event.kind === 'spawn') {
      this.spawns[event.mechanism]++;
      if (event.stallNs === undefined) return;
      this.stalls[event.mechanism].add(event.stallNs);
      this.#charge(event.comm, event.pid, event.stallNs);
    } else if (event.kind === 'spawn-failure') increment(this.spawnFailures, event.errno);
    else if (event.kind === 'exec-failure') increment(this.execFailures, event.errno);
  }

  /** Gives the spawners that stalled longest in sum, by name: the longest first. */
  worst(most: number): SpawnerStalls[] {
    return [...this.#spawners.values()].toSorted((a, b) => b.stallNs - a.stallNs).slice(0, most);
  }

  #charge(comm: string, pid: number, stallNs: number): void {
    const name = this.#spawners.has(comm) || this.#spawners.size < MOST_SPAWNERS ? comm : OTHER;
    const spawner = this.#spawners.get(name) ?? { comm: name, spawns: 0, stallNs: 0, longestNs: 0, pid };
    spawner.spawns++;
    spawner.stallNs += stallNs;
    if (stallNs > spawner.longestNs) Object.assign(spawner, { longestNs: stallNs, pid });
    this.#spawners.set(name, spawner);
  }

  /** Those that were seen. */
  get mechanisms(): Mechanism[] {
    return MECHANISMS.filter((mechanism) => this.spawns[mechanism] > 0);
  }

  get total(): number {
    return MECHANISMS.reduce((sum, mechanism) => sum + this.spawns[mechanism], 0);
  }
}

function increment(counts: Map<number, number>, key: number): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
