/** What the live tests share. */

import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Message } from '../../lib/index.ts';

export async function collect(messages: AsyncIterable<Message>): Promise<Message[]> {
  const all: Message[] = [];
  for await (const message of messages) all.push(message);
  return all;
}

/** Waits for what must become true; the test's own time limit ends it otherwise. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(20);
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  readonly startTime: string;
  /** In clock ticks. */
  readonly cpuTime: number;
}

/** proc_pid_stat(5); undefined when there is no such process. */
export function statOf(pid: number): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state = '', parent = '0'] = fields;
    const cpuTime = Number(fields[11]) + Number(fields[12]);
    return { pid, parent: Number(parent), state, startTime: fields[19] ?? '', cpuTime };
  } catch {
    return undefined;
  }
}

/** All processes below this one, now. */
export function descendantsOf(ancestor: number): Process[] {
  const all = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (statOf(Number(name)) ?? []) : []));
  const found: Process[] = [];
  const collectFrom = (parent: number): void => {
    for (const process of all.filter((each) => each.parent === parent)) {
      found.push(process);
      collectFrom(process.pid);
    }
  };
  collectFrom(ancestor);
  return found;
}

/** Gone, or a zombie that nobody has collected yet. */
export function isGone(process: Process): boolean {
  const now = statOf(process.pid);
  return now === undefined || now.startTime !== process.startTime || now.state === 'Z';
}

export const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
};
