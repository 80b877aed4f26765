/** The descendants that a process has already. */
import { readdirSync } from 'node:fs';
import { tryReadText } from '../system/files.ts';

export interface RunningProcess {
  readonly pid: number;
  readonly comm: string;
  readonly parentPid?: number;
}

/** Gives the process itself first, and each parent before its children. Those that end meanwhile are left out. */
export function runningBelow(pid: number, parentPid?: number): RunningProcess[] {
  const comm = tryReadText(`/proc/${pid}/comm`).trimEnd();
  const self = { pid, comm, ...(parentPid !== undefined && { parentPid }) };
  return [self, ...childrenOf(pid).flatMap((child) => runningBelow(child, pid))];
}

function childrenOf(pid: number): number[] {
  return threadsOf(pid).flatMap((tid) =>
    tryReadText(`/proc/${pid}/task/${tid}/children`).split(' ').filter(Boolean).map(Number),
  );
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return []; // it has ended
  }
}
