import type { CallHook, Hook } from '../engine/engine.ts';
import { ERRORS, type ForktaxError } from '../errors.ts';
import { canLoad, examineHost, type Finding } from './findings.ts';
import { examineHooks } from './hooks.ts';
import type { Host } from './host.ts';

/** The result of `tryHooks`, or why there is none. */
export type Trial =
  | { readonly callHook?: CallHook; readonly hooks: readonly Hook[] }
  | { readonly error: ForktaxError };

export interface Diagnosis {
  /** Whether spawns can be measured here, by this process. */
  readonly able: boolean;
  /** Which engine would run; and how it would see the spawning calls. */
  readonly engine?: 'core';
  readonly callHook?: CallHook;
  readonly host: readonly Finding[];
  readonly hooks: readonly Finding[];
}

export function diagnose(host: Host, trial: Trial): Diagnosis {
  const findings = examineHost(host);
  if ('error' in trial) return { able: false, host: [...findings, native(trial.error)], hooks: [] };
  const able = trial.hooks.some(({ attached, columns }) => attached && columns.includes('spawns'));
  return {
    able,
    ...(able && { engine: 'core' }),
    ...(trial.callHook && { callHook: trial.callHook }),
    host: findings,
    hooks: examineHooks(trial.hooks, canLoad(host)),
  };
}

function native(error: ForktaxError): Finding {
  return { check: 'native parts', status: 'fail', found: error.detail ?? error.message, fix: ERRORS[error.code].help };
}

const SCHEMA = 1;

/** The object of `forktax doctor --json`: field → meaning. */
export const DIAGNOSIS_FIELDS = {
  schema: `version of these fields: ${SCHEMA}`,
  able: 'whether spawns can be measured here, by this process',
  engine: 'which engine would run; absent if none can',
  call_hook: 'how it would see the spawning calls: fentry, syscalls or raw; absent if it cannot',
  host: 'findings, each with check, status (ok; note: nothing is lost; warn: something is; fail), found, and maybe fix',
  hooks: 'likewise, one for each hook that was attached on trial',
} as const;

export function diagnosisRecord(diagnosis: Diagnosis): Partial<Record<keyof typeof DIAGNOSIS_FIELDS, unknown>> {
  const { able, engine, callHook, host, hooks } = diagnosis;
  return { schema: SCHEMA, able, ...(engine && { engine }), ...(callHook && { call_hook: callHook }), host, hooks };
}
