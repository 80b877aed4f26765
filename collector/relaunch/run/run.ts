/** Runs a program once, as a shell would, and measures it. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { execError } from '../choose/find-command.ts';
import { head, isText } from '../choose/follow-command.ts';
import type { ForktaxError } from '../../model/errors.ts';
import { hold, type ExecRequest, type Held, type HoldOptions } from '../../system/hold.ts';
import { openMeter, type Measurement, type MeterOptions } from '../measure/meter.ts';
import { handOnSignals } from './signals.ts';

export interface RunRequest extends HoldOptions {
  /** As the person wrote it, for messages. */
  readonly command: string;
  readonly exec: ExecRequest;
  readonly measure?: MeterOptions;
}

export interface RunResult {
  /** Exit status, or 128 + signal. */
  readonly status: number;
  readonly signal?: NodeJS.Signals;
  /** From the exec to the end. */
  readonly wallNs: number;
  /** User and system time of the program and of all that it waited for. */
  readonly cpuNs: number;
  readonly measurement: Measurement | ForktaxError;
}

/**
 * `onUnmeasured` is told at once, before the program runs.
 * @throws FORKTAX_NOT_FOUND, FORKTAX_NOT_EXECUTABLE: a shell's 127 and 126
 */
export async function run(request: RunRequest, onUnmeasured: (why: ForktaxError) => void): Promise<RunResult> {
  const held = await hold(request);
  const ended = once(held.child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const handedBack = handOnSignals(held.pid);
  const meter = await openMeter(held.pid, request.measure);
  if (!('finish' in meter)) onUnmeasured(meter);
  const cpuBeforeNs = childrenCpuNs();
  const start = process.hrtime.bigint();
  const error = await becomeProgram(held, request.exec);
  if (error !== undefined) held.release();
  const [code, signal] = await ended;
  const wallNs = Number(process.hrtime.bigint() - start);
  handedBack();
  const measurement = 'finish' in meter ? meter.finish() : meter;
  if (error !== undefined) throw execError(request.command, error);
  return {
    status: signal ? 128 + constants.signals[signal] : (code ?? 0),
    ...(signal && { signal }),
    wallNs,
    cpuNs: childrenCpuNs() - cpuBeforeNs,
    measurement,
  };
}

/** The error's name, if it did not. A file that the kernel does not know is a script of the shell, if it is text. */
async function becomeProgram(held: Held, request: ExecRequest): Promise<string | undefined> {
  const error = await held.exec(request);
  if (error !== 'ENOEXEC' || !isText(head(request.path, 80) ?? '')) return error;
  const [name = 'sh', ...args] = request.argv;
  return held.exec({ ...request, path: '/bin/sh', argv: [name, request.path, ...args] });
}

/** USER_HZ, fixed in the kernel's interface. */
const TICK_NS = 1e7;

/** cutime and cstime of proc(5), /proc/PID/stat, fields 16 and 17. */
function childrenCpuNs(): number {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) * TICK_NS;
}
