/** From a command to how it is run. */
import { choose, type Evidence, type VIAS } from '../choose/choose.ts';
import { changesFor } from './variables.ts';
import { lookAt } from '../choose/program.ts';
import type { Plan } from '../report/run-text.ts';
import type { Inheritance } from '../../system/inherited.ts';
import type { RunRequest } from '../run/run.ts';
import { commandText, withChanges } from './command-text.ts';

export interface FullPlan extends Plan {
  /** What is executed: for a script, the script. */
  readonly path: string;
}

/** @throws as findCommand, choose and changesFor */
export function planFor(words: readonly string[], via: (typeof VIAS)[number], evidence: Evidence = {}): FullPlan {
  const { PATH: searchPath, LD_LIBRARY_PATH: libraryPath } = process.env;
  const identity = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  const program = lookAt(words, { searchPath, libraryPath, directory: currentDirectory(), ...identity });
  const choice = choose(program, via, evidence);
  const changes = changesFor(choice.via, (name) => process.env[name]);
  return { command: commandText(words), choice, changes, path: program.trail[0] ?? '' };
}

/** Even where it has been removed. */
function currentDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return '/proc/self/cwd';
  }
}

/** All that the program is given, but for the changes as this process was. */
export function requestFor(
  { path, changes, choice }: FullPlan,
  { argv, environment, descriptors, openFiles }: Inheritance,
): RunRequest {
  return {
    command: String(argv[0]),
    descriptors,
    measure: { countEntries: choice.via === 'hugepages' },
    exec: {
      path,
      argv,
      environment: withChanges(environment, changes),
      ...(openFiles !== undefined && { openFiles }),
    },
  };
}
