/** What `forktax relaunch` does, from the command line to the exit status. */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { RelaunchOptions } from '../commands/relaunch.ts';
import { ForktaxError } from '../errors.ts';
import { choose } from './choose/choose.ts';
import { changesFor } from './choose/environment.ts';
import { lookAt } from './choose/program.ts';
import { planJson, runJson, SCHEMA } from './report/json.ts';
import { notMeasured, reportText, type Plan } from './report/text.ts';
import { givenOpenFiles, inheritedDescriptors, lastArguments, ownEnvironment } from './run/inherited.ts';
import { commandText, withChanges } from './run/words.ts';
import { run, type RunRequest } from './run/run.ts';

/** Gives the exit status. */
export async function relaunch(words: readonly string[], options: RelaunchOptions): Promise<number> {
  return runOnce(words, options);
}

async function runOnce(words: readonly string[], options: RelaunchOptions): Promise<number> {
  const plan = planFor(words, options);
  const report = openReport(options.report);
  const result = await run(requestFor(words, plan), (why) => {
    process.stderr.write(`forktax: via ${plan.choice.via}: ${plan.choice.reason}; ${notMeasured(why)}\n`);
  });
  const isSaid = result.measurement instanceof ForktaxError && options.report === undefined && !options.json;
  if (!isSaid)
    report(
      options.json
        ? `${JSON.stringify({ schema: SCHEMA, ...planJson(plan), run: runJson(result) })}\n`
        : reportText(plan, result, options.report === undefined ? (process.stderr.columns ?? Infinity) : Infinity),
    );
  return result.status;
}

export interface FullPlan extends Plan {
  readonly path: string;
}

function planFor(words: readonly string[], options: RelaunchOptions): FullPlan {
  const { PATH: searchPath, LD_LIBRARY_PATH: libraryPath } = process.env;
  const identity = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  const program = lookAt(words, { searchPath, libraryPath, directory: process.cwd(), ...identity });
  const choice = choose(program, options.via);
  const changes = changesFor(choice.via, (name) => process.env[name]);
  return { command: commandText(words), choice, changes, path: program.trail[0] ?? '' };
}

function requestFor(words: readonly string[], plan: FullPlan): RunRequest {
  const openFiles = givenOpenFiles();
  return {
    command: words[0] ?? '',
    descriptors: inheritedDescriptors(),
    exec: {
      path: plan.path,
      argv: lastArguments(words.length),
      environment: withChanges(ownEnvironment(), plan.changes),
      ...(openFiles !== undefined && { openFiles }),
    },
  };
}

/** Opened before the program runs: it would be a pity to find out afterwards. */
function openReport(path: string | undefined): (text: string) => void {
  if (path === undefined) return (text) => void process.stderr.write(text);
  const file = tryOpen(path);
  return (text) => {
    writeSync(file, text);
    closeSync(file);
  };
}

function tryOpen(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (cause) {
    throw new ForktaxError('FORKTAX_USAGE', `the report cannot be written: ${(cause as Error).message}`, { cause });
  }
}
