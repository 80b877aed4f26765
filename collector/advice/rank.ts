/** Ranks spawners by avoidable stall, and says what to do about each. */
import { isSum, sumBy, type CostRow } from '../model/rows.ts';
import type { Mechanism } from '../model/spawn.ts';
import { choose, type Choice } from '../relaunch/choose/choose.ts';
import { closedRuntimeNamed, type Runtime } from '../relaunch/choose/runtimes.ts';
import type { ExaminedSpawner } from './examine-spawner.ts';
import type { Observation } from './observation.ts';
import { remedyOf } from './remedy.ts';

export const GROUPINGS = ['program', 'pid'] as const;
export type Grouping = (typeof GROUPINGS)[number];

export interface Advice {
  /** Its name; of a program whose processes have several, that of its executable. */
  readonly comm: string;
  /** The process with the longest stall. */
  readonly pid?: number;
  readonly executable?: string;
  /** How many processes of the program spawned; absent where rows are not of one process each. */
  readonly processes?: number;
  readonly avoidableNs: number;
  readonly spawns: number;
  /** The mechanism with the largest part of the avoidable stall. */
  readonly mechanism: Mechanism;
  /** How long its other threads waited while its forks copied, in sum. 0 also where nothing measures that. */
  readonly siblingWaitNs: number;
  /** The average of a spawn by that mechanism; so is the next. */
  readonly stallNs: number;
  readonly copiedRssBytes: number;
  readonly choice?: Choice;
  readonly why: string;
  readonly remedy: string;
}

interface ExaminedRow {
  readonly row: CostRow;
  readonly spawner: ExaminedSpawner | undefined;
}

/** Gives the largest avoidable stall first. Spawners without any are left out. */
export function rankSpawners(
  { rows, spawnerOf, label }: Pick<Observation, 'rows' | 'spawnerOf' | 'label'>,
  by: Grouping = 'program',
): Advice[] {
  const examined = rows.map((row) => ({ row, spawner: isSum(row) ? undefined : spawnerOf(row) }));
  return [...Map.groupBy(examined, (each) => groupOf(each, by, label))]
    .map(([, group]) => adviceFor(group, label))
    .filter(({ avoidableNs }) => avoidableNs > 0)
    .toSorted((a, b) => b.avoidableNs - a.avoidableNs);
}

/** Programs of one name are told apart only where each row is of one process. */
function groupOf({ row: { comm, id }, spawner }: ExaminedRow, by: Grouping, label: Observation['label']): string {
  if (by === 'pid') return JSON.stringify([comm, id]);
  const { program, foreignMounts } = (label === 'pid' && spawner) || {};
  return JSON.stringify(program ? [program.path, foreignMounts] : [comm]);
}

function adviceFor(group: readonly ExaminedRow[], label: Observation['label']): Advice {
  const rows = group.map(({ row }) => row);
  const byMechanism = [...sumBy(rows, ({ mechanism }) => mechanism)];
  const [worst] = byMechanism.toSorted(([, a], [, b]) => b.avoidableStallNs - a.avoidableStallNs);
  if (!worst) throw new RangeError('no rows');
  const [mechanism, costs] = worst;
  const copiedRssBytes = costs.spawns > 0 ? costs.copiedRss.sum / costs.spawns : 0;
  const spawner = exampleOf(group);
  const choice = spawner?.program && choose(spawner.program, 'auto', { copiedBytes: copiedRssBytes });
  const comm = nameOf(rows, spawner);
  const runtime = choice ? choice.runtime : closedRuntimeNamed(comm);
  return {
    comm,
    ...(spawner && { pid: spawner.pid, ...(spawner.program && { executable: spawner.program.path }) }),
    ...(label === 'pid' && !isSum({ comm }) && { processes: new Set(rows.map(({ id }) => id)).size }),
    avoidableNs: byMechanism.reduce((sum, [, { avoidableStallNs }]) => sum + avoidableStallNs, 0),
    spawns: byMechanism.reduce((sum, [, { spawns }]) => sum + spawns, 0),
    mechanism,
    siblingWaitNs: byMechanism.reduce((sum, [, { siblingWait }]) => sum + siblingWait.sum, 0),
    stallNs: costs.spawns > 0 ? costs.stall.sum / costs.spawns : 0,
    copiedRssBytes,
    ...(choice && { choice }),
    why: whyOf(mechanism, runtime, choice),
    remedy: remedyOf({ comm, spawner, runtime, choice }),
  };
}

/** Prefers a process whose program is known, then the longest stall. */
function exampleOf(group: readonly ExaminedRow[]): ExaminedSpawner | undefined {
  const known = group.filter(({ spawner }) => spawner?.program);
  const ranked = (known.length > 0 ? known : group).toSorted((a, b) => longestStall(b.row) - longestStall(a.row));
  return ranked[0]?.spawner;
}

const longestStall = ({ slowest, avoidableStallNs }: CostRow): number => slowest?.stallNs ?? avoidableStallNs;

function nameOf(rows: readonly CostRow[], spawner: ExaminedSpawner | undefined): string {
  const names = new Set(rows.map(({ comm }) => comm));
  const [first = ''] = names;
  return names.size > 1 && spawner?.program ? spawner.program.name : first;
}

function whyOf(mechanism: Mechanism, runtime: Runtime | undefined, choice: Choice | undefined): string {
  if (runtime) return `${runtime.name}: ${runtime.spawns}`;
  if (choice) return choice.reason;
  return mechanism === 'fork' ? 'it copies its memory map' : 'it waits until its child calls exec';
}
