/** The bpftrace scripts for people: `probes/*.bt`, each with one question, its manual in the comment at its head. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { builtFile } from '../../system/built-file.ts';

const SUFFIX = '.bt';
/** Nothing for people. */
const ENGINE_NAME = 'spawn-events';

/** The bpftrace engine's own. */
export const ENGINE_SCRIPT = builtFile(`probes/${ENGINE_NAME}${SUFFIX}`);
const FOLDER = dirname(ENGINE_SCRIPT);

export interface PeopleScript {
  readonly name: string;
  readonly file: string;
  /** What it answers. */
  readonly question: string;
  /** Of the head, below the question: what is printed, what it needs, and a real output. */
  readonly manual: string;
}

/** In the order of the alphabet. */
export function scriptNames(): string[] {
  const names = readdirSync(FOLDER)
    .filter((file) => file.endsWith(SUFFIX))
    .map((file) => file.slice(0, -SUFFIX.length));
  return names.filter((name) => name !== ENGINE_NAME).toSorted();
}

export function readPeopleScript(name: string): PeopleScript {
  const file = `${FOLDER}/${name}${SUFFIX}`;
  const head = /\/\*\n([^]*?)\n \*\//.exec(readFileSync(file, 'utf8'))?.[1] ?? '';
  const [question = '', ...manual] = head.split('\n').map((line) => line.replace(/^ \* ?/, ''));
  return { name, file, question, manual: manual.join('\n').trim() };
}

/** A script's text as this machine's kernel can take it: only x86 has system calls of the name fork and vfork. */
export function scriptText(file: string, architecture: string = process.arch): string {
  const text = readFileSync(file, 'utf8');
  return architecture === 'x64' ? text : text.replaceAll(/^tracepoint:syscalls:sys_\w+_v?fork,\n/gm, '');
}
