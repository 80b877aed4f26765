/** Turns settings into environment variables for this version of bpftrace. */

import { BpftraceError } from './errors.ts';
import type { Settings } from './options.ts';
import { type Version, atLeast } from './version.ts';

interface Setting {
  readonly minimum: number;
  readonly variable: string;
  /** The name before 0.20. */
  readonly oldVariable?: string;
}

const NUMBERS: Record<Exclude<keyof Settings, 'btf'>, Setting> = {
  maxMapKeys: { minimum: 1, variable: 'BPFTRACE_MAX_MAP_KEYS', oldVariable: 'BPFTRACE_MAP_KEYS_MAX' },
  maxStringBytes: { minimum: 1, variable: 'BPFTRACE_MAX_STRLEN', oldVariable: 'BPFTRACE_STRLEN' },
  bufferPages: { minimum: 1, variable: 'BPFTRACE_PERF_RB_PAGES' },
  maxProbes: { minimum: 1, variable: 'BPFTRACE_MAX_PROBES' },
  logBytes: { minimum: 1, variable: 'BPFTRACE_LOG_SIZE' },
};

/** Removes `BPFTRACE_*` from `environment`, because these variables could change the output. */
export function bpftraceEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  settings: Settings,
  version: Version,
): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(([name]) => !name.startsWith('BPFTRACE_'));
  const result: NodeJS.ProcessEnv = Object.fromEntries(kept);
  for (const [name, setting] of Object.entries(NUMBERS)) {
    const value = settings[name as keyof typeof NUMBERS];
    if (value === undefined) continue;
    if (!Number.isSafeInteger(value) || value < setting.minimum) {
      throw new BpftraceError('BPFTRACE_OPTION', `settings.${name} is ${value}, but must be a positive integer.`);
    }
    result[variableOf(setting, version)] = String(value);
  }
  if (settings.btf !== undefined) result['BPFTRACE_BTF'] = settings.btf;
  checkLimits(settings, version);
  return result;
}

function variableOf(setting: Setting, version: Version): string {
  return atLeast(version, '0.20') ? setting.variable : (setting.oldVariable ?? setting.variable);
}

function checkLimits(settings: Settings, version: Version): void {
  const { bufferPages, maxStringBytes } = settings;
  if (bufferPages !== undefined && Math.log2(bufferPages) % 1 !== 0) {
    throw new BpftraceError('BPFTRACE_OPTION', `settings.bufferPages is ${bufferPages}, but must be a power of two.`);
  }
  // There, strings are on the BPF stack. bpftrace would also refuse this, but its message names the variable.
  if (maxStringBytes !== undefined && maxStringBytes > 200 && !atLeast(version, '0.21')) {
    const message = `settings.maxStringBytes is ${maxStringBytes}, but bpftrace ${version.text} can have at most 200.`;
    throw new BpftraceError('BPFTRACE_OPTION', message);
  }
}
