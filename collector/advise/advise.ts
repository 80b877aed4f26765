/** Finds the spawners of a host that afork would save most, and what to do about each. */
import type { Engine } from '../model/engine.ts';
import { ForktaxError } from '../model/errors.ts';
import type { RowLabel } from '../model/options.ts';
import { calibrateAfork } from './calibrate.ts';
import { atCost, observeCollector } from './observe-collector.ts';
import { observeHost } from './observe-host.ts';
import { rankSpawners, type Advice, type Grouping } from './rank.ts';

export interface Findings {
  /** What one spawn by afork costs its caller on this host. */
  readonly aforkCostNs: number;
  /** How long spawns were observed; undefined means since the collector started. */
  readonly observedNs: number | undefined;
  readonly advice: readonly Advice[];
  readonly eventsLost: number;
  /** Without `pid`, programs of one name are one spawner. */
  readonly label: RowLabel;
}

/** How to observe this host. */
export interface HostObservation {
  readonly open: (aforkCostNs: number) => Promise<Engine>;
  readonly durationNs: number;
  readonly stop: () => AbortSignal;
  /** Called when the observation begins; disposed at its end. */
  readonly watch: (durationNs: number) => Disposable;
  readonly by: Grouping;
}

/** Observes this host. The calibration comes first, because the engine needs its result. */
export async function adviseFromHost({ open, durationNs, stop, watch, by }: HostObservation): Promise<Findings> {
  const aforkCostNs = await calibrateAfork();
  const engine = await open(aforkCostNs);
  try {
    const stopped = stop();
    const progress = watch(durationNs);
    const observation = await observeHost(engine, durationNs, stopped).finally(() => progress[Symbol.dispose]());
    const { ns: observedNs, eventsLost } = observation;
    return { aforkCostNs, observedNs, advice: rankSpawners(observation, by), eventsLost, label: observation.label };
  } finally {
    engine.close();
  }
}

/** Asks a collector. The calibration comes last, so that its spawns are not among those that the collector counted. */
export async function adviseFromCollector(url: string, by: Grouping): Promise<Findings> {
  const { rows, spawnerOf, eventsLost, label } = await observeCollector(url);
  if (by === 'pid' && label !== 'pid')
    throw new ForktaxError(
      'FORKTAX_COLLECTOR',
      `${url} does not tell processes apart; it was started without --label=pid`,
    );
  const aforkCostNs = await calibrateAfork();
  const advice = rankSpawners({ rows: atCost(rows, aforkCostNs), spawnerOf, label }, by);
  return { aforkCostNs, observedNs: undefined, advice, eventsLost, label };
}
