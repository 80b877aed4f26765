import { Option } from '@commander-js/extra-typings';
import { missedColumns } from '../model/hooks.ts';
import { DEFAULT_ENGINE_OPTIONS, ENGINE_FLAGS, type EngineChoice, type EngineOptions } from '../model/options.ts';
import type { Engine } from '../model/engine.ts';
import { requireProcess } from '../system/target-process.ts';
import { COLUMN_NAMES } from '../terminal/column-names.ts';
import type { Output } from '../terminal/output.ts';

/** `--call-hook`, as `forktax serve` has it. */
export function callHookOption() {
  const { help, choices, fallback } = ENGINE_FLAGS['call-hook'];
  return new Option('--call-hook <way>', help).choices(choices).default(fallback);
}

/** `--engine`, as `forktax serve` has it. */
export function engineOption() {
  const { help, choices, fallback } = ENGINE_FLAGS.engine;
  return new Option('--engine <engine>', help).choices(choices).default(fallback);
}

/** `--name-by`, as `forktax serve` has it. */
export function nameByOption() {
  const { help, choices, fallback } = ENGINE_FLAGS['name-by'];
  return new Option('--name-by <name>', help).choices(choices).default(fallback);
}

/**
 * Loads the probes. Reports what they cannot measure on this kernel to `output.talk`.
 * @throws ForktaxError, among them FORKTAX_NO_PROCESS: the process to measure is not there
 */
export async function openEngine(
  choice: EngineChoice,
  options: Partial<EngineOptions>,
  output: Output,
): Promise<Engine> {
  const pid = options.filter?.pid;
  if (pid !== undefined) requireProcess(pid);
  const { openEngine: open } = await import('../engine/open.ts');
  const engine = await open(choice, { ...DEFAULT_ENGINE_OPTIONS, ...options }, (trouble) =>
    output.talk(`${trouble}\n`),
  );
  if (engine.insteadOf) output.talk(`Measuring with bpftrace, because core cannot run: ${engine.insteadOf.reason}\n`);
  for (const [column, reason] of missedColumns(engine.hooks))
    output.talk(`${COLUMN_NAMES[column]} cannot be measured: ${reason}\n`);
  return engine;
}

/** Gives the engine that a command measures with. */
export type OpenEngine = typeof openEngine;
