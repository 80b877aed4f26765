/** Reads the bpftrace scripts for people, `probes/*.bt`. Each answers one question; the comment at its top is its manual. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { builtFile } from '../../system/built-file.ts';

const SUFFIX = '.bt';
/** The script of the bpftrace engine, which is not for people. */
const ENGINE_NAME = 'spawn-events';

/** The path of the bpftrace engine's script. */
export const ENGINE_SCRIPT = builtFile(`probes/${ENGINE_NAME}${SUFFIX}`);
const FOLDER = dirname(ENGINE_SCRIPT);

export interface PeopleScript {
  readonly name: string;
  readonly file: string;
  /** The question that it answers. */
  readonly question: string;
  /** The rest of the comment below the question: what it prints, what it needs, and a real output. */
  readonly manual: string;
}

/** Gives the names in alphabetical order. */
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

/** Gives the text of a script for this architecture: only x86 has system calls named fork and vfork. */
export function scriptText(file: string, architecture: string = process.arch): string {
  const text = readFileSync(file, 'utf8');
  return architecture === 'x64' ? text : text.replaceAll(/^tracepoint:syscalls:sys_\w+_v?fork,\n/gm, '');
}
