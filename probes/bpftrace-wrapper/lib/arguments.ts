/** Builds the command line. A parameter cannot become an option, and bpftrace never parses one as code. */

import { BpftraceError } from './errors.ts';
import type { RunOptions } from './options.ts';
import { type Version, atLeast } from './version.ts';

type Parameter = string | number | bigint;

/** The script comes on stdin (`-`). Words after `--` are not options. */
export function commandLine(options: RunOptions, folders: readonly string[], version: Version): string[] {
  const { helperErrors = true, includeFolders = [], unsafe = false, parameters = [] } = options;
  return [
    '-f',
    'json',
    '-B',
    'line',
    ...helperErrorFlags(helperErrors, version),
    ...(unsafe ? ['--unsafe'] : []),
    ...[...folders, ...includeFolders].flatMap((folder) => ['-I', folder]),
    '--',
    '-',
    ...parameters.map((parameter, index) => parameterText(parameter, index + 1, version)),
  ];
}

/** From 0.23 on, bpftrace reports helper errors without -k. There, -k adds those of failing reads, and only --no-warnings turns them off. */
function helperErrorFlags(wanted: boolean, version: Version): string[] {
  if (atLeast(version, '0.23')) return wanted ? [] : ['--no-warnings'];
  return wanted ? ['-k'] : [];
}

function parameterText(parameter: Parameter, position: number, version: Version): string {
  if (typeof parameter === 'string') {
    checkString(parameter, position, version);
    return parameter;
  }
  if (typeof parameter === 'number' && !Number.isSafeInteger(parameter)) {
    throw unusable(position, `${parameter} is no exact integer; give a bigint`);
  }
  if (parameter < -(2n ** 63n) || parameter >= 2n ** 63n)
    throw unusable(position, `${parameter} has more than 64 bits`);
  return String(parameter);
}

function checkString(text: string, position: number, version: Version): void {
  if (text.includes('\0')) throw unusable(position, 'a string cannot hold a zero byte');
  // From 0.24 on, `--name` is a named parameter at any position.
  if (text.startsWith('--') && atLeast(version, '0.24')) {
    throw unusable(position, `bpftrace ${version.text} takes '${text}' for a named parameter`);
  }
}

function unusable(position: number, why: string): BpftraceError {
  return new BpftraceError('BPFTRACE_OPTION', `Parameter $${position} cannot be passed: ${why}.`);
}
