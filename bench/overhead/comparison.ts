/** Runs every tool under the same loads, in rounds of random order, and compares each with "nothing" in the same round. */
import type { CallHook } from '../../collector/model/hooks.ts';
import { FIGURES, runLoads, type FigureName, type Figures } from './loads.ts';
import { shuffled, summarize, type Summary } from './statistics.ts';
import { NOTHING, startTool, toolsFor, type Tool } from './tools.ts';

export interface Compared {
  readonly tool: string;
  /** Why the tool could not run here. */
  readonly unavailable?: string;
  readonly values: Readonly<Record<FigureName, Summary>>;
  /** Ratios to the value of "nothing" in the same round. 1 means that the tool slows nothing down. */
  readonly ratios: Readonly<Record<FigureName, Summary>>;
}

type Round = ReadonlyMap<string, Figures>;

export async function compare(
  callHooks: readonly CallHook[],
  rounds: number,
  progress: (said: string) => void,
): Promise<readonly Compared[]> {
  const tools = toolsFor(callHooks);
  const unavailable = new Map<string, string>();
  const done: Round[] = [];
  for (let round = 1; round <= rounds; round++) {
    progress(`comparison, round ${round} of ${rounds}`);
    done.push(await runRound(shuffled(tools.filter(({ name }) => !unavailable.has(name))), unavailable));
  }
  return tools.map(({ name }) => comparedOf(name, done, unavailable.get(name)));
}

async function runRound(tools: readonly Tool[], unavailable: Map<string, string>): Promise<Round> {
  const round = new Map<string, Figures>();
  for (const tool of tools) {
    try {
      const running = await startTool(tool);
      round.set(tool.name, await runLoads().finally(() => running.stop()));
    } catch (error) {
      unavailable.set(tool.name, error instanceof Error ? error.message : String(error));
    }
  }
  return round;
}

function comparedOf(tool: string, rounds: readonly Round[], unavailable: string | undefined): Compared {
  const pairs = rounds.flatMap((round) => {
    const [own, nothing] = [round.get(tool), round.get(NOTHING.name)];
    return own && nothing ? [{ own, nothing }] : [];
  });
  return {
    tool,
    ...(unavailable !== undefined && { unavailable }),
    values: summaries((name) => pairs.map(({ own }) => own[name])),
    ratios: summaries((name) => pairs.map(({ own, nothing }) => own[name] / nothing[name])),
  };
}

const NAMES = Object.keys(FIGURES) as FigureName[];

function summaries(valuesOf: (name: FigureName) => readonly number[]): Record<FigureName, Summary> {
  return Object.fromEntries(NAMES.map((name) => [name, summarize(valuesOf(name))])) as Record<FigureName, Summary>;
}
