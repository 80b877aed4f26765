import type { CallHook, Hook } from '../model/hooks.ts';
import { ERRORS, type ForktaxError } from '../model/errors.ts';
import { canLoad, examineHost, type Finding } from './findings.ts';
import { examineHooks } from './hooks.ts';
import type { Host } from './host.ts';

/** The result of `tryHooks`, or the error that prevented it. */
export type Trial =
  | { readonly callHook?: CallHook; readonly hooks: readonly Hook[] }
  | { readonly error: ForktaxError };

/** The bpftrace that was found, and whether its engine ran if core could not; or why there is no bpftrace. */
export type BpftraceTrial =
  | {
      readonly version: string;
      readonly path: string;
      readonly hooks?: readonly Hook[];
      readonly refusal?: ForktaxError;
    }
  | { readonly error: ForktaxError };

export interface Diagnosis {
  /** Whether spawns can be measured here, by this process. */
  readonly able: boolean;
  /** Which engine would run, and with which call hook. */
  readonly engine?: 'core' | 'bpftrace';
  readonly callHook?: CallHook;
  readonly host: readonly Finding[];
  readonly hooks: readonly Finding[];
}

export function diagnose(host: Host, trial: Trial, bpftrace?: BpftraceTrial): Diagnosis {
  const able = seesSpawns(trial);
  const findings = [...examineHost(host, able), ...(bpftrace ? [examineBpftrace(bpftrace)] : [])];
  if (bpftrace && 'hooks' in bpftrace) return byBpftrace(host, trial, findings, bpftrace.hooks ?? []);
  if ('error' in trial) return { able: false, host: [...findings, native(trial.error)], hooks: [] };
  return {
    able,
    ...(able && { engine: 'core' }),
    ...(trial.callHook && { callHook: trial.callHook }),
    host: findings,
    hooks: examineHooks(trial.hooks, canLoad(host)),
  };
}

/** Whether the core engine can measure. */
export function seesSpawns(trial: Trial): boolean {
  if ('error' in trial) return false;
  return trial.hooks.some(({ attached, columns }) => attached && columns.includes('spawns'));
}

/** bpftrace measures instead of core, so what core lacks is only a note. */
function byBpftrace(host: Host, trial: Trial, findings: readonly Finding[], hooks: readonly Hook[]): Diagnosis {
  const reason = 'error' in trial ? native(trial.error) : { found: 'the kernel refuses its probes' };
  const core: Finding = { check: 'engine core', status: 'note', found: `cannot run: ${reason.found}` };
  return {
    able: true,
    engine: 'bpftrace',
    callHook: 'syscalls',
    host: [...findings, core],
    hooks: examineHooks(hooks, canLoad(host)),
  };
}

/** Only `--engine=bpftrace` and `forktax probes run` need bpftrace, so its absence is only a note. */
function examineBpftrace(bpftrace: BpftraceTrial): Finding {
  const check = 'bpftrace';
  if ('error' in bpftrace)
    return { check, status: 'note', found: bpftrace.error.message, fix: ERRORS[bpftrace.error.code].help };
  const { version, path, refusal } = bpftrace;
  if (refusal === undefined) return { check, status: 'ok', found: `${version}, ${path}` };
  const found = `${version}, ${path}; it cannot run: ${refusal.message}`;
  return { check, status: 'note', found, fix: ERRORS[refusal.code].help };
}

function native(error: ForktaxError): Finding {
  return { check: 'native parts', status: 'fail', found: error.detail ?? error.message, fix: ERRORS[error.code].help };
}

const SCHEMA = 1;

/** The fields of `forktax doctor --json` and their meanings. */
export const DIAGNOSIS_FIELDS = {
  schema: `version of these fields: ${SCHEMA}`,
  able: 'whether spawns can be measured here, by this process',
  engine: 'which engine would run; absent if none can',
  call_hook: 'the call hook that would see the spawning calls: fentry, syscalls or raw; absent if none can',
  host: 'findings, each with check, status (ok; note: nothing is lost; warn: some columns are lost; fail: nothing can be measured), found, and maybe fix',
  hooks: 'the same for each hook that was tried',
} as const;

export function diagnosisRecord(diagnosis: Diagnosis): Partial<Record<keyof typeof DIAGNOSIS_FIELDS, unknown>> {
  const { able, engine, callHook, host, hooks } = diagnosis;
  return { schema: SCHEMA, able, ...(engine && { engine }), ...(callHook && { call_hook: callHook }), host, hooks };
}
