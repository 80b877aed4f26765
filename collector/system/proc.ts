/** Readers of proc(5), for this process (`self`) and for others. */
import { readFileSync } from 'node:fs';
import { tryReadText } from './files.ts';

export type Pid = number | 'self';

/** The fields of /proc/PID/stat that forktax uses. */
export interface ProcessStat {
  /** One letter: `T` is stopped, `Z` is a zombie. */
  readonly state: string;
  readonly parentPid: number;
  readonly processGroup: number;
  /** The number of the controlling terminal's device; 0 if there is none. */
  readonly terminal: number;
  /** The process group in the foreground of that terminal. */
  readonly foregroundGroup: number;
  readonly isKernelThread: boolean;
  /** User and system time, in steps of 10 ms. */
  readonly cpuNs: number;
  /** The same for all children that the process has waited for. */
  readonly childrenCpuNs: number;
  /** In clock ticks since boot: it tells the process from a later one with the same pid. */
  readonly startTime: string;
}

/** PF_KTHREAD of include/linux/sched.h. */
const KERNEL_THREAD_FLAG = 0x0020_0000;

/** USER_HZ is 100: the kernel's interface fixes it. */
const TICK_NS = 1e7;

/** @throws the error of readFileSync if the process has ended */
export function readStat(pid: Pid): ProcessStat {
  return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
}

/** Gives undefined if the process has ended. */
export function tryReadStat(pid: Pid): ProcessStat | undefined {
  const text = tryReadText(`/proc/${pid}/stat`);
  return text === '' ? undefined : parseStat(text);
}

/** The second field, the name, may hold spaces and parentheses; it ends with the last parenthesis. */
function parseStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  /** proc(5) counts from 1, and the name is the second. */
  const field = (position: number): string => fields[position - 3] ?? '';
  const ticks = (first: number, second: number): number => (Number(field(first)) + Number(field(second))) * TICK_NS;
  return {
    state: field(3),
    parentPid: Number(field(4)),
    processGroup: Number(field(5)),
    terminal: Number(field(7)),
    foregroundGroup: Number(field(8)),
    isKernelThread: (Number(field(9)) & KERNEL_THREAD_FLAG) !== 0,
    cpuNs: ticks(14, 15),
    childrenCpuNs: ticks(16, 17),
    startTime: field(22),
  };
}

/** Reads strings that each end in NUL: /proc/PID/cmdline and /proc/PID/environ. */
export function readStrings(path: string): Buffer[] {
  const bytes = readFileSync(path);
  const strings: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(0, at);
    const stop = end === -1 ? bytes.length : end;
    strings.push(bytes.subarray(at, stop));
    at = stop + 1;
  }
  return strings;
}

/** The limits of open files; undefined if they cannot be read or are unlimited. */
export function openFileLimits(pid: Pid): { soft: number; hard: number } | undefined {
  const line = /^Max open files\s+(\d+)\s+(\d+)/m.exec(tryReadText(`/proc/${pid}/limits`));
  return line ? { soft: Number(line[1]), hard: Number(line[2]) } : undefined;
}
