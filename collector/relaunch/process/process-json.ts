import { jsonRecord } from '../../terminal/json-record.ts';
import { planJson } from '../report/plan-json.ts';
import type { InspectedProcess } from './inspect-process.ts';

/** The output of `forktax relaunch --pid --json`. */
export function processJson({ target, plan, dropIn, refusal }: InspectedProcess): object {
  const { pid, comm, uid, anonymousBytes, directory } = target;
  return {
    ...jsonRecord('process'),
    ...planJson(plan),
    process: { pid, comm, uid, directory, anonymous_bytes: anonymousBytes },
    ...(dropIn && { drop_in: dropIn }),
    ...(refusal !== undefined && { not_replaceable: refusal }),
  };
}
