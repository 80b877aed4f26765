import { Option } from '@commander-js/extra-typings';
import { CALL_HOOKS, absentColumns } from '../model/hooks.ts';
import { NAMINGS } from '../model/naming.ts';
import { DEFAULT_ENGINE_OPTIONS, ENGINES, type EngineChoice, type EngineOptions } from '../model/options.ts';
import type { Engine } from '../model/engine.ts';
import { requireProcess } from '../system/target-process.ts';
import { COLUMN_NAMES } from '../terminal/column-names.ts';
import type { Output } from '../terminal/output.ts';

/** `--call-hook`, as `forktax serve` has it. */
export function callHookOption() {
  return new Option('--call-hook <way>', 'where the spawning calls are seen')
    .choices(['auto', ...CALL_HOOKS] as const)
    .default('auto' as const);
}

/** `--engine`, as `forktax serve` has it. */
export function engineOption() {
  return new Option('--engine <engine>', 'what measures; auto takes core, and bpftrace where core cannot run')
    .choices(ENGINES)
    .default('auto' as const);
}

/** `--name-by`, as `forktax serve` has it. */
export function nameByOption() {
  return new Option('--name-by <name>', 'name spawners as ps does (comm), by their executable (exe), or as fits (auto)')
    .choices(NAMINGS)
    .default('auto' as const);
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
  for (const [column, reason] of absentColumns(engine.hooks))
    output.talk(`${COLUMN_NAMES[column]} cannot be measured: ${reason}\n`);
  return engine;
}

/** Gives the engine that a command measures with. */
export type OpenEngine = typeof openEngine;
