/** Explains why bpftrace ended with an error. */

import { BpftraceError, type BpftraceErrorCode } from './errors.ts';
import type { Exit } from './guard.ts';

const ADVICE: Partial<Record<BpftraceErrorCode, string>> = {
  BPFTRACE_NO_PRIVILEGE: 'Run it as root.',
  BPFTRACE_SCRIPT: 'bpftrace does not accept the script.',
  BPFTRACE_NOT_ATTACHED: 'The kernel did not take the programs, or a probe could not be attached.',
};

/** Gives the error of a run that ended before its first heartbeat. */
export function startFailure(exit: Exit, stderr: string): BpftraceError {
  return failure(codeOf(exit, stderr), 'bpftrace did not start', exit, stderr);
}

/** Gives the error of a run that had started. */
export function death(exit: Exit, stderr: string): BpftraceError {
  return failure('BPFTRACE_DIED', 'bpftrace died', exit, stderr);
}

/**
 * The exit statuses of bpftrace, from `src/main.cpp` and `src/run_bpftrace.cpp`:
 *
 *  - 1: the script has an error. 2, from 0.24 on: the same, or the compiler failed.
 *  - abort, before 0.20: a probe has an unknown type.
 *  - 255: a probe could not be attached.
 *  - 126 and 127 come from the shell: it cannot run bpftrace.
 */
function codeOf(exit: Exit, stderr: string): BpftraceErrorCode {
  if (/as the root user|Missing CAP_|lockdown/.test(stderr)) return 'BPFTRACE_NO_PRIVILEGE';
  if (exit.exitCode === 1 || exit.exitCode === 2 || exit.signal === 'SIGABRT') return 'BPFTRACE_SCRIPT';
  if (exit.exitCode === 126 || exit.exitCode === 127) return 'BPFTRACE_NOT_FOUND';
  return exit.exitCode === 255 ? 'BPFTRACE_NOT_ATTACHED' : 'BPFTRACE_DIED';
}

function failure(code: BpftraceErrorCode, what: string, exit: Exit, stderr: string): BpftraceError {
  const how = exit.signal ? `ended by ${exit.signal}` : `exit status ${exit.exitCode}`;
  const parts = [`${what} (${how}): ${firstError(stderr) ?? 'it gave no reason.'}`, ADVICE[code]];
  return new BpftraceError(code, parts.filter(Boolean).join(' '), { stderr, ...exit });
}

/** Gives the first line with `ERROR`, or else the last line that is not a warning. */
function firstError(stderr: string): string | undefined {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !/RLIMIT_MEMLOCK|^WARNING/.test(line));
  const line = lines.find((each) => /\bERROR\b/.test(each)) ?? lines.at(-1);
  return line?.replace(/[^.!?]$/, '$&.');
}
