import { ForktaxError } from '../model/errors.ts';
import type { Engine } from '../model/engine.ts';
import type { EngineChoice, EngineOptions } from '../model/options.ts';
import { standardOutput } from '../terminal/output.ts';
import type { OpenEngine } from './open-engine.ts';
import type { OwnCommand } from './own-command.ts';
import { stopMeasuring } from './stop.ts';

/** What a command of forktax is to measure. */
export interface Subject {
  /** A command to run, whose spawns and those of its descendants are measured. */
  readonly words: readonly string[];
  /** A running process instead. The measurement ends when it does. */
  readonly pid?: number | undefined;
  /** Gives what the command's environment has besides that of this process. */
  readonly variables?: (() => Readonly<Record<string, string>> | undefined) | undefined;
  readonly engine: EngineChoice;
  readonly options: Partial<EngineOptions>;
  /** What is waited for besides the engine before the command begins. */
  readonly ready?: Promise<void> | undefined;
}

/**
 * Opens an engine, and closes it after `use`, which subscribes before it waits for anything. With a command, runs it meanwhile: `end` is aborted when it ends, and its
 * exit status becomes that of this process. Otherwise `end` is aborted by Ctrl-C.
 * @throws FORKTAX_USAGE: a command and a process; what opening an engine and running a command throw
 */
export async function measure(
  open: OpenEngine,
  { words, pid, variables, engine: choice, options, ready }: Subject,
  use: (engine: Engine, end: AbortSignal, own: OwnCommand | undefined) => Promise<void>,
): Promise<void> {
  if (words.length > 0 && pid !== undefined)
    throw new ForktaxError('FORKTAX_USAGE', 'give a command or --pid, not both');
  const { prepareCommand } = await import('./own-command.ts');
  const own = words.length > 0 ? await prepareCommand(words, variables) : undefined;
  const filter = { ...options.filter, ...(own && { pid: own.pid, follow: true }) };
  const engine = await open(choice, { ...options, filter }, standardOutput);
  try {
    await ready;
    const stop = stopMeasuring(engine, pid, standardOutput);
    const used = use(engine, own ? AbortSignal.any([stop, own.ended]) : stop, own);
    await Promise.all([used, own?.run()]);
    if (own) process.exitCode = await own.status;
  } finally {
    engine.close();
  }
}
