/** The spawns of one program, as forktax sees them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { openCoreEngine } from '../../collector/engine/core/engine.ts';
import type { SpawnEvent } from '../../collector/model/events.ts';
import { DEFAULT_ENGINE_OPTIONS, type EngineOptions } from '../../collector/model/options.ts';

export type Spawn = SpawnEvent & { readonly stallNs: number; readonly copyNs: number };

/** One line of the table: what an outsider says and what forktax says of the same spawns. Times are microseconds. */
export interface Agreement {
  readonly what: string;
  readonly spawns: number;
  readonly seen: number;
  readonly theirsUs: number;
  readonly oursUs: number;
}

const POLLED_MS = 200;

/** Gives the spawns during `work` that pass the filter and had a call to measure. */
export async function spawnsDuring(filter: EngineOptions['filter'], work: () => Promise<void>): Promise<Spawn[]> {
  const engine = openCoreEngine({ ...DEFAULT_ENGINE_OPTIONS, filter });
  const spawns: Spawn[] = [];
  const stop = engine.subscribe((events) => {
    for (const event of events) if (event.kind === 'spawn' && isMeasured(event)) spawns.push(event);
  });
  try {
    await work();
    await engine.settle?.();
    await sleep(POLLED_MS);
    return spawns;
  } finally {
    stop();
    engine.close();
  }
}

const isMeasured = (event: SpawnEvent): event is Spawn => event.stallNs !== undefined && event.copyNs !== undefined;

export const mean = (values: readonly number[]): number => values.reduce((sum, each) => sum + each, 0) / values.length;
