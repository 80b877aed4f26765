/** Opens the chosen engine, or the first one that runs. */
import { ForktaxError } from '../model/errors.ts';
import { openCoreEngine } from './core/engine.ts';
import type { Engine, Refused } from '../model/engine.ts';
import type { EngineChoice, EngineOptions } from '../model/options.ts';

/** @throws ForktaxError For `auto`, it says why core cannot run and why bpftrace cannot either. */
export async function openEngine(
  choice: EngineChoice,
  options: EngineOptions,
  report: (trouble: string) => void,
): Promise<Engine> {
  if (choice === 'bpftrace' && options.pin !== undefined)
    throw new ForktaxError('FORKTAX_PIN', 'the engine bpftrace cannot keep its counters');
  if (choice === 'bpftrace' && options.stacks)
    throw new ForktaxError('FORKTAX_NO_STACKS', 'the engine bpftrace cannot copy stacks');
  if (choice === 'core' || options.pin !== undefined || options.stacks) return openCoreEngine(options);
  const { openBpftraceEngine } = await import('./bpftrace/engine.ts');
  if (choice === 'bpftrace') return openBpftraceEngine(options, report);
  try {
    return openCoreEngine(options);
  } catch (error) {
    // If this process may not load core's probes, it may not load bpftrace's either.
    if (!(error instanceof ForktaxError) || error.code === 'FORKTAX_NO_PRIVILEGE') throw error;
    return openInstead(error, (insteadOf) => openBpftraceEngine(options, report, { insteadOf }));
  }
}

async function openInstead(why: ForktaxError, open: (insteadOf: Refused) => Promise<Engine>): Promise<Engine> {
  try {
    return await open({ engine: 'core', reason: why.message });
  } catch (error) {
    const detail = `${why.detail ?? ''}\nThe bpftrace engine cannot run either: ${(error as Error).message}`.trim();
    throw new ForktaxError(why.code, `${why.message}; bpftrace cannot measure either: ${(error as Error).message}`, {
      detail,
      cause: why,
    });
  }
}
