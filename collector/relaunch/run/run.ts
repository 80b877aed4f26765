/** Runs a program once, as a shell would, and measures it. */
import { once } from 'node:events';
import { constants } from 'node:os';
import type { ForktaxError } from '../../model/errors.ts';
import { execHeld } from '../../system/exec-held.ts';
import { hold } from '../../system/hold.ts';
import { readStat } from '../../system/proc.ts';
import { execError } from '../../system/exec-error.ts';
import { openMeter, type Measurement } from '../measure/meter.ts';
import { forwardSignals } from '../../system/forward-signals.ts';
import type { RunRequest } from './request.ts';

export interface RunResult {
  /** The exit status, or 128 + the number of the signal that killed the program. */
  readonly status: number;
  readonly signal?: NodeJS.Signals;
  /** From the exec to the end. */
  readonly wallNs: number;
  /** User and system time of the program and of all processes that it waited for. */
  readonly cpuNs: number;
  /** The reason instead, if nothing could be measured. */
  readonly measurement: Measurement | ForktaxError;
}

/**
 * Calls `onUnmeasured`, if nothing can be measured, before the program runs.
 * @throws FORKTAX_NOT_FOUND, FORKTAX_NOT_EXECUTABLE: their exit statuses are those of a shell, 127 and 126
 */
export async function run(request: RunRequest, onUnmeasured: (why: ForktaxError) => void): Promise<RunResult> {
  const held = await hold(request);
  const ended = once(held.child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const stopForwarding = forwardSignals(held.pid);
  const meter = await openMeter(held.pid, request.measure);
  if (!('finish' in meter)) onUnmeasured(meter);
  const cpuBeforeNs = readStat('self').childrenCpuNs;
  const start = process.hrtime.bigint();
  const error = await execHeld(held, request.exec);
  if (error !== undefined) held.release();
  const [code, signal] = await ended;
  const wallNs = Number(process.hrtime.bigint() - start);
  stopForwarding();
  const measurement = 'finish' in meter ? meter.finish() : meter;
  if (error !== undefined) throw execError(request.command, error);
  return {
    status: signal ? 128 + constants.signals[signal] : (code ?? 0),
    ...(signal && { signal }),
    wallNs,
    cpuNs: readStat('self').childrenCpuNs - cpuBeforeNs,
    measurement,
  };
}
