import { existsSync } from 'node:fs';
import { lookAtExecutable, type Program } from '../relaunch/choose/program.ts';
import { readProcess, type RunningProcess } from '../relaunch/process/running-process.ts';

/** A spawner, as it was while it lived. */
export interface ExaminedSpawner {
  readonly pid: number;
  readonly process: RunningProcess;
  readonly program: Program;
}

/** Gives undefined if the spawner has ended, may not be inspected, or has a name other than `comm` by now. */
export function examineSpawner(pid: number, comm: string): ExaminedSpawner | undefined {
  try {
    const process = readProcess(pid);
    if (process.comm !== comm || process.isKernelThread) return undefined;
    const { executable, uid, gid } = process;
    return { pid, process, program: lookOnce(executable, uid, gid) };
  } catch {
    return undefined;
  }
}

const programs = new Map<string, Program>();

function lookOnce(executable: string, uid: number, gid: number): Program {
  const key = JSON.stringify([executable, uid, gid]);
  const program = programs.get(key) ?? lookAtExecutable([executable], { uid, gid });
  programs.set(key, program);
  return program;
}

export function isAlive({ pid }: ExaminedSpawner): boolean {
  return existsSync(`/proc/${pid}`);
}
