/** Which spawners waste most, why, and what to do. */
import { type CostRow, sumBy } from '../model/rows.ts';
import type { Mechanism } from '../model/spawn.ts';
import { choose, type Choice } from '../relaunch/choose/choose.ts';
import { commandText } from '../relaunch/plan/command-text.ts';
import { isAlive, type Examined } from './examine.ts';
import type { Observation } from './observe-host.ts';

export interface Advice {
  readonly comm: string;
  readonly pid?: number;
  readonly executable?: string;
  readonly avoidableNs: number;
  readonly spawns: number;
  /** Of all mechanisms of this spawner, that of the largest avoidable stall. */
  readonly mechanism: Mechanism;
  /** Averages of a spawn by that mechanism. */
  readonly stallNs: number;
  readonly copiedRssBytes: number;
  readonly choice?: Choice;
  readonly why: string;
  readonly remedy: string;
}

/** Largest avoidable stall first; those without any are left out. */
export function rankSpawners({ rows, spawnerOf }: Pick<Observation, 'rows' | 'spawnerOf'>): Advice[] {
  return [...Map.groupBy(rows, ({ comm }) => comm)]
    .map(([comm, own]) => adviceFor(comm, own, spawnerOf(comm)))
    .filter(({ avoidableNs }) => avoidableNs > 0)
    .toSorted((a, b) => b.avoidableNs - a.avoidableNs);
}

function adviceFor(comm: string, rows: readonly CostRow[], examined: Examined | undefined): Advice {
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
  return mechanism === 'fork' ? 'it copies its memory map' : 'it waits for the exec of its child';
}

function remedyOf(examined: Examined | undefined, choice: Choice | undefined): string {
  if (!examined || !choice) return 'it was gone before it could be looked at; start it by forktax relaunch';
  if (choice.via === 'none') return choice.runtime?.offers ?? 'nothing that forktax could do';
  if (isAlive(examined)) return `forktax relaunch --pid ${examined.pid}`;
  return `forktax relaunch -- ${commandText(examined.process.argv.map(String))}`;
}
