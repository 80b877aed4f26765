import type { Engine } from '../model/engine.ts';
import { endOfProcess } from '../system/target-process.ts';
import type { Output } from '../terminal/output.ts';
import { stopRequested } from '../terminal/stop.ts';

/** Gives a signal that is aborted when the user ends the command, or when the only process that is measured has ended. */
export function stopMeasuring(engine: Engine, pid: number | undefined, output: Output): AbortSignal {
  const requested = stopRequested();
  // A process of a recording is none of this host.
  if (pid === undefined || engine.clock) return requested;
  const ended = endOfProcess(pid);
  ended.addEventListener('abort', () => output.talk(`Process ${pid} has ended.\n`));
  return AbortSignal.any([requested, ended]);
}
