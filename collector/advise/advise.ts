/** Finds the spawners of a host that afork would save most, and what to do about each. */
import type { Engine } from '../model/engine.ts';
import { ForktaxError } from '../model/errors.ts';
import { DEFAULT_ENGINE_OPTIONS, type RowLabel } from '../model/options.ts';
import { calibrateAfork } from './calibrate.ts';
import { atCost, observeCollector } from './observe-collector.ts';
import { observeEngine } from './observe-host.ts';
import { rankSpawners, type Advice, type Grouping } from '../advice/rank.ts';

export interface Findings {
  readonly source: 'host' | 'collector' | 'recording';
  /** What one spawn by afork costs its caller on this host; for a recording, what was assumed when it was made. */
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
    const observation = await observeEngine(engine, durationNs, stopped).finally(() => progress[Symbol.dispose]());
    const { ns: observedNs, eventsLost } = observation;
    const advice = rankSpawners(observation, by);
    return { source: 'host', aforkCostNs, observedNs, advice, eventsLost, label: observation.label };
  } finally {
    engine.close();
  }
}

/** Takes as much of a recording as `durationNs` says, or all of it. The engine stays open. */
export async function adviseFromRecording(
  engine: Engine,
  { durationNs, stop, by }: { durationNs: number | undefined; stop: AbortSignal; by: Grouping },
): Promise<Findings> {
  if (by === 'pid' && engine.label !== 'pid')
    throw new ForktaxError(
      'FORKTAX_RECORDING',
      'this recording holds no costs by process, so --by pid cannot be used; record with --label pid',
    );
  const observation = await observeEngine(engine, durationNs, stop);
  const { ns: observedNs, eventsLost, label } = observation;
  const { aforkCostNs } = DEFAULT_ENGINE_OPTIONS;
  return { source: 'recording', aforkCostNs, observedNs, advice: rankSpawners(observation, by), eventsLost, label };
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
  return { source: 'collector', aforkCostNs, observedNs: undefined, advice, eventsLost, label };
}
