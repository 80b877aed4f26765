/** Ranks spawners by avoidable stall, and says what to do about each. */
import type { CostRow } from '../model/rows.ts';
import type { Mechanism } from '../model/spawn.ts';
import { sumBy } from '../model/rows.ts';
import { choose, type Choice } from '../relaunch/choose/choose.ts';
import { commandText } from '../relaunch/plan/command-text.ts';
import { isAlive, type ExaminedSpawner } from './examine-spawner.ts';
import type { Observation } from './observation.ts';

export interface Advice {
  readonly comm: string;
  readonly pid?: number;
  readonly executable?: string;
  readonly avoidableNs: number;
  readonly spawns: number;
  /** The mechanism with the largest part of the avoidable stall. */
  readonly mechanism: Mechanism;
  /** The average of a spawn by that mechanism; so is the next. */
  readonly stallNs: number;
  readonly copiedRssBytes: number;
  readonly choice?: Choice;
  readonly why: string;
  readonly remedy: string;
}

/** Gives the largest avoidable stall first. Spawners without any are left out. */
export function rankSpawners({ rows, spawnerOf }: Pick<Observation, 'rows' | 'spawnerOf'>): Advice[] {
  return [...Map.groupBy(rows, ({ comm }) => comm)]
    .map(([comm, own]) => adviceFor(comm, own, spawnerOf(comm)))
    .filter(({ avoidableNs }) => avoidableNs > 0)
    .toSorted((a, b) => b.avoidableNs - a.avoidableNs);
}

function adviceFor(comm: string, rows: readonly CostRow[], examined: ExaminedSpawner | undefined): Advice {
  const byMechanism = [...sumBy(rows, ({ mechanism }) => mechanism)];
  const [worst] = byMechanism.toSorted(([, a], [, b]) => b.avoidableStallNs - a.avoidableStallNs);
  if (!worst) throw new RangeError('no rows');
  const [mechanism, costs] = worst;
  const copiedRssBytes = costs.spawns > 0 ? costs.copiedRss.sum / costs.spawns : 0;
  const choice = examined && choose(examined.program, 'auto', { copiedBytes: copiedRssBytes });
  return {
    comm,
    ...(examined && { pid: examined.pid, executable: examined.program.path }),
    avoidableNs: byMechanism.reduce((sum, [, { avoidableStallNs }]) => sum + avoidableStallNs, 0),
    spawns: byMechanism.reduce((sum, [, { spawns }]) => sum + spawns, 0),
    mechanism,
    stallNs: costs.spawns > 0 ? costs.stall.sum / costs.spawns : 0,
    copiedRssBytes,
    ...(choice && { choice }),
    why: whyOf(mechanism, choice),
    remedy: remedyOf(examined, choice),
  };
}

function whyOf(mechanism: Mechanism, choice: Choice | undefined): string {
  if (choice?.runtime) return `${choice.runtime.name}: ${choice.runtime.spawns}`;
  if (choice) return choice.reason;
  return mechanism === 'fork' ? 'it copies its memory map' : 'it waits until its child calls exec';
}

function remedyOf(examined: ExaminedSpawner | undefined, choice: Choice | undefined): string {
  if (!examined || !choice) return 'it ended before it could be examined; start it with forktax relaunch';
  if (choice.via === 'none') return choice.runtime?.offers ?? 'forktax cannot help here';
  if (isAlive(examined)) return `forktax relaunch --pid ${examined.pid}`;
  return `forktax relaunch -- ${commandText(examined.process.argv.map(String))}`;
}
