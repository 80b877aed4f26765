/** Which executable a command comes down to: through scripts, `env` and programs that only exec another. */
import { closeSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { findCommand, type Place } from './find-command.ts';

/** The command, what it leads to, and last the executable; all absolute. */
export type Trail = readonly string[];

/** BINPRM_BUF_SIZE: the kernel reads no more of a first line. */
const FIRST_LINE_BYTES = 256;
const SCRIPT_BYTES = 64 << 10;
/** The kernel allows five scripts in a row; the wrappers between are ours to bound. */
const MOST_STEPS = 10;

/**
 * Ends where it can see no further; what stands behind it may be missing, which only its run can tell.
 * @throws as findCommand, of the first command
 */
export function followCommand(words: readonly string[], place: Place): Trail {
  const trail: string[] = [];
  let next: readonly string[] | undefined = words;
  while (next && trail.length < MOST_STEPS) {
    const [command = '', ...args]: readonly string[] = next;
    const path: string | undefined = trail.length === 0 ? findCommand(command, place) : tryFind(command, place);
    if (path === undefined) return trail;
    trail.push(path);
    next = behindScript(path, args) ?? behindWrapper(path, args);
  }
  return trail;
}

function tryFind(command: string, place: Place): string | undefined {
  try {
    return findCommand(command, place);
  } catch {
    return undefined;
  }
}

/** The words that the kernel makes of a script, or a shell of one without a first line. */
function behindScript(path: string, args: readonly string[]): string[] | undefined {
  const text = head(path, SCRIPT_BYTES);
  if (text === undefined || text.startsWith('\x7fELF')) return undefined;
  if (!text.startsWith('#!')) return isText(text) ? ['/bin/sh', path, ...args] : undefined;
  const line = /^#![ \t]*([^\n]*)/.exec(text.slice(0, FIRST_LINE_BYTES))?.[1] ?? '';
  const [, interpreter = '', argument = ''] = /^(\S*)[ \t]*(.*?)\s*$/.exec(line) ?? [];
  if (SHELLS.has(basename(interpreter)) && EXECS_NODE.test(text)) return ['node', path, ...args];
  return [interpreter, ...(argument === '' ? [] : [argument]), path, ...args];
}

/** As bash has it: no NUL in the first line of the first 80 bytes. */
export function isText(start: string): boolean {
  return !/^[^\n]*\0/.test(start.slice(0, 80));
}

const SHELLS = new Set(['sh', 'bash', 'dash']);
/** As pnpm's and other package managers' scripts in node_modules/.bin do. */
const EXECS_NODE = /^\s*exec\s+"?(?:[^\s"]*\/)?node"?(?:\s|$)/m;

export function head(path: string, size: number): string | undefined {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(size);
      return bytes.toString('latin1', 0, readSync(file, bytes, 0, size, 0));
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}

interface Wrapper {
  /** Short options that take a value of their own, or in the same word. */
  readonly valued: string;
  /** Words before the command: timeout's duration. */
  readonly operands: number;
}

/** Programs that only set something up and exec their operands, in the same process or as their one child. */
const WRAPPERS: Readonly<Record<string, Wrapper>> = {
  env: { valued: 'uC', operands: 0 },
  ionice: { valued: 'cn', operands: 0 },
  nice: { valued: 'n', operands: 0 },
  nohup: { valued: '', operands: 0 },
  setsid: { valued: '', operands: 0 },
  stdbuf: { valued: 'ioe', operands: 0 },
  timeout: { valued: 'ks', operands: 1 },
};

function behindWrapper(path: string, args: readonly string[]): readonly string[] | undefined {
  const name = basename(path);
  const wrapper = WRAPPERS[name];
  if (!wrapper) return undefined;
  const words = [...args];
  while (words[0]?.startsWith('-')) {
    const option = words.shift() ?? '';
    if (option === '--') break;
    const split = name === 'env' ? SPLIT_STRING.exec(option) : null;
    if (split) words.unshift(...wordsOf(split[1] || words.shift() || ''));
    else if (/^-[^-]+$/.test(option) && wrapper.valued.includes(option.slice(-1))) words.shift();
  }
  const assignments = name === 'env' ? words.findIndex((word) => !word.includes('=')) : 0;
  const command = assignments === -1 ? [] : words.slice(assignments + wrapper.operands);
  return command.length > 0 ? command : undefined;
}

/** `#!/usr/bin/env -S node --flag`, without which a first line can pass one argument: env(1). */
const SPLIT_STRING = /^(?:-[a-z]*S|--split-string=?)(.*)$/;

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
