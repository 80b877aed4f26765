import { readlinkSync } from 'node:fs';

/** PROC_PID_INIT_INO of linux/proc_ns.h. */
const INITIAL_PID_NAMESPACE = 'pid:[4026531836]';

/** Whether the pids that this process sees are those that the probes see. Undefined if /proc does not tell. */
export function isInInitialPidNamespace(proc = '/proc'): boolean | undefined {
  try {
    return readlinkSync(`${proc}/self/ns/pid`) === INITIAL_PID_NAMESPACE;
  } catch {
    return undefined;
  }
}
