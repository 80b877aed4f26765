/** Finds the spawners of a host that afork would save most, and what to do about each. */
import type { Engine } from '../model/engine.ts';
import { calibrateAfork } from './calibrate.ts';
import { atCost, observeCollector } from './observe-collector.ts';
import { observeHost } from './observe-host.ts';
import { rankSpawners, type Advice } from './rank.ts';

export interface Findings {
  /** What one spawn by afork costs its caller on this host. */
  readonly aforkCostNs: number;
  /** How long spawns were observed; undefined means since the collector started. */
  readonly observedNs: number | undefined;
  readonly advice: readonly Advice[];
  readonly eventsLost: number;
}

/** How to observe this host. */
export interface HostObservation {
  readonly open: (aforkCostNs: number) => Promise<Engine>;
  readonly durationNs: number;
  readonly stop: () => AbortSignal;
}

/** Observes this host. The calibration comes first, because the engine needs its result. */
export async function adviseFromHost({ open, durationNs, stop }: HostObservation): Promise<Findings> {
  const aforkCostNs = await calibrateAfork();
  const engine = await open(aforkCostNs);
  try {
    const observation = await observeHost(engine, durationNs, stop());
    const { ns: observedNs, eventsLost } = observation;
    return { aforkCostNs, observedNs, advice: rankSpawners(observation), eventsLost };
  } finally {
    engine.close();
  }
}

/** Asks a collector. The calibration comes last, so that its spawns are not among those that the collector counted. */
export async function adviseFromCollector(url: string): Promise<Findings> {
  const { rows, spawnerOf, eventsLost } = await observeCollector(url);
  const aforkCostNs = await calibrateAfork();
  const advice = rankSpawners({ rows: atCost(rows, aforkCostNs), spawnerOf });
  return { aforkCostNs, observedNs: undefined, advice, eventsLost };
}
