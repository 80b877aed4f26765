/** What to do about a spawner. Nothing is advised that `relaunch` cannot do. */
import { isSum } from '../model/rows.ts';
import type { Choice } from '../relaunch/choose/choose.ts';
import type { Runtime } from '../relaunch/choose/runtimes.ts';
import { joinWords } from '../terminal/words.ts';
import { isRewritten, whyNotReplaceable } from '../relaunch/running/replaceable.ts';
import type { RunningProcess } from '../relaunch/running/running-process.ts';
import { isAlive, type ExaminedSpawner } from './examine-spawner.ts';

interface Case {
  readonly comm: string;
  readonly spawner: ExaminedSpawner | undefined;
  readonly runtime: Runtime | undefined;
  /** Absent if the program could not be examined. */
  readonly choice: Choice | undefined;
}

const NO_HELP = 'forktax cannot help here';
const ASK_RELAUNCH = 'forktax relaunch -- COMMAND says whether afork can make its spawns';

export function remedyOf({ comm, spawner, runtime, choice }: Case): string {
  if (isSum({ comm })) return 'these are more spawners than the table holds; observe for a shorter time';
  if (!spawner || !choice) return runtime ? (runtime.offers ?? NO_HELP) : `it could not be examined; ${ASK_RELAUNCH}`;
  if (choice.via === 'none') return runtime?.offers ?? NO_HELP;
  const { process, pid } = spawner;
  if (!process) return ASK_RELAUNCH;
  return isAlive(spawner) ? ofLiving(pid, process) : ofEnded(process);
}

function ofLiving(pid: number, process: RunningProcess): string {
  const refusal = whyNotReplaceable(process);
  if (refusal === undefined) return `forktax relaunch --pid ${pid}`;
  return `forktax relaunch --pid ${pid} shows what to set at its next start; it cannot be replaced now: ${refusal}`;
}

function ofEnded(process: RunningProcess): string {
  return isRewritten(process) ? ASK_RELAUNCH : `forktax relaunch -- ${joinWords(process.argv.map(String))}`;
}
