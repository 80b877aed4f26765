/** Finds out which program a spawner runs: from its process, or from what it exec'd if it has ended by then. */
import { existsSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { BoundedMap } from '../model/bounded-map.ts';
import { cutName, nameSpawner } from '../model/naming.ts';
import { lookAtCommand, lookAtExecutable, lookAtForeign, type Program } from '../relaunch/choose/program.ts';
import { readProcess, type RunningProcess } from '../relaunch/running/running-process.ts';

/** What is known of a spawner; nothing if it ended at once. */
export interface ExaminedSpawner {
  readonly pid: number;
  /** As it was while it lived. */
  readonly process?: RunningProcess;
  readonly program?: Program;
  /** The name of its mount namespace, if that is not ours: its paths mean something else here. */
  readonly foreignMounts?: string;
}

const OWN_MOUNTS = readlinkSync('/proc/self/ns/mnt');

/** Gives undefined if the spawner has ended, may not be inspected, or has a name other than `name` by now. */
export function examineSpawner(pid: number, name: string): ExaminedSpawner | undefined {
  try {
    // Nobody asks for the environment, and there may be very many spawners.
    const process = { ...readProcess(pid), environment: [] };
    const { comm, executable, uid, gid, isKernelThread } = process;
    const exe = cutName(basename(executable));
    if (isKernelThread || nameSpawner('auto', { comm, exe }) !== name) return undefined;
    const mounts = process.namespaces.find((namespace) => namespace.startsWith('mnt:'));
    if (mounts === OWN_MOUNTS) return { pid, process, program: lookOnce(executable, uid, gid) };
    return { pid, process, program: lookAtForeign(pid, executable), ...(mounts && { foreignMounts: mounts }) };
  } catch {
    return undefined;
  }
}

/** Gives the program that an exec of this path starts; undefined if there is none on this host. */
export function programOf(path: string): Program | undefined {
  try {
    return lookAtCommand([path], { searchPath: undefined, directory: '/', uid: 0, gid: 0 });
  } catch {
    return undefined;
  }
}

/** A build runs programs without end that it has just made. */
const MOST_PROGRAMS = 4096;
const programs = new BoundedMap<string, Program>(MOST_PROGRAMS);

function lookOnce(executable: string, uid: number, gid: number): Program {
  const key = JSON.stringify([executable, uid, gid]);
  const program = programs.get(key) ?? lookAtExecutable([executable], { uid, gid });
  programs.set(key, program);
  return program;
}

export function isAlive({ pid, process }: ExaminedSpawner): boolean {
  return process !== undefined && existsSync(`/proc/${pid}`);
}
