/** Plans how a command, or a process that already runs, is run with afork. */
import { choose, type Choice, type Evidence, type RequestedVia } from '../choose/choose.ts';
import { lookAtCommand, type Program } from '../choose/program.ts';
import { joinWords } from '../../terminal/words.ts';
import { changesFor, type Change } from './variables.ts';

export interface Plan {
  /** The command as a person would type it. */
  readonly command: string;
  /** What is executed; for a script, the script. */
  readonly path: string;
  readonly choice: Choice;
  /** The variables to set. */
  readonly changes: readonly Change[];
}

/** What a plan is made from. */
export interface PlanSource {
  readonly words: readonly string[];
  readonly path: string;
  readonly program: Program;
  readonly via: RequestedVia;
  readonly evidence: Evidence;
  /** Gives the value of a variable in the program's environment. */
  readonly valueOf: (name: string) => string | undefined;
}

/** @throws what choose and changesFor throw */
export function makePlan({ words, path, program, via, evidence, valueOf }: PlanSource): Plan {
  const choice = choose(program, via, evidence);
  return { command: joinWords(words), path, choice, changes: changesFor(choice.via, valueOf) };
}

/** @throws what lookAtCommand and makePlan throw */
export function planCommand(words: readonly string[], via: RequestedVia, evidence: Evidence = {}): Plan {
  const { PATH: searchPath, LD_LIBRARY_PATH: libraryPath } = process.env;
  const identity = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  const program = lookAtCommand(words, { searchPath, libraryPath, directory: workingDirectory(), ...identity });
  const [path = ''] = program.trail;
  return makePlan({ words, path, program, via, evidence, valueOf: (name) => process.env[name] });
}

/** Works even if the directory has been removed. */
function workingDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return '/proc/self/cwd';
  }
}
