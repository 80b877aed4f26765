import { MECHANISMS, type Mechanism } from '../model/spawn.ts';
import type { EngineEvent } from '../model/events.ts';
import { Sketch } from '../model/sketch.ts';

/** What a stream of events amounted to. */
export class SpawnSummary {
  /** Stalls in nanoseconds; only of spawns whose stall could be measured. */
  readonly stalls: Readonly<Record<Mechanism, Sketch>> = {
    fork: new Sketch(),
    vfork: new Sketch(),
    afork: new Sketch(),
  };
  readonly spawns: Record<Mechanism, number> = { fork: 0, vfork: 0, afork: 0 };
  /** By errno. */
  readonly spawnFailures = new Map<number, number>();
  readonly execFailures = new Map<number, number>();

  add(event: EngineEvent): void {
    if (event.kind === 'spawn') {
      this.spawns[event.mechanism]++;
      if (event.stallNs !== undefined) this.stalls[event.mechanism].add(event.stallNs);
    } else if (event.kind === 'spawn-failure') increment(this.spawnFailures, event.errno);
    else if (event.kind === 'exec-failure') increment(this.execFailures, event.errno);
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
