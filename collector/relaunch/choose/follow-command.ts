/** Finds the executable that a command leads to, through scripts, `env`, and programs that only execute another. */
import { basename } from 'node:path';
import { findCommand, type Place } from '../../system/find-command.ts';
import { isText, readStart } from '../../system/script-file.ts';

/** Absolute paths: first the command, then what it leads to, last the executable. */
export type Trail = readonly string[];

/** BINPRM_BUF_SIZE: the kernel reads no more than this of a first line. */
const FIRST_LINE_BYTES = 256;
const SCRIPT_BYTES = 64 << 10;
/** The kernel allows five scripts in a row. The wrappers between them need a bound of our own. */
const MOST_STEPS = 10;

/**
 * Stops at the last program that it can find. A later one may be missing; the program itself reports that when it runs.
 * @throws what findCommand throws about the first command
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

/** Gives the words that the kernel, or a shell if there is no `#!` line, would execute for a script. */
function behindScript(path: string, args: readonly string[]): string[] | undefined {
  const text = readStart(path, SCRIPT_BYTES);
  if (text === undefined || text.startsWith('\x7fELF')) return undefined;
  if (!text.startsWith('#!')) return isText(text) ? ['/bin/sh', path, ...args] : undefined;
  const line = /^#![ \t]*([^\n]*)/.exec(text.slice(0, FIRST_LINE_BYTES))?.[1] ?? '';
  const [, interpreter = '', argument = ''] = /^(\S*)[ \t]*(.*?)\s*$/.exec(line) ?? [];
  if (SHELLS.has(basename(interpreter)) && EXECS_NODE.test(text)) return ['node', path, ...args];
  return [interpreter, ...(argument === '' ? [] : [argument]), path, ...args];
}

const SHELLS = new Set(['sh', 'bash', 'dash']);
/** Matches the scripts that pnpm and other package managers write to node_modules/.bin. */
const EXECS_NODE = /^\s*exec\s+"?(?:[^\s"]*\/)?node"?(?:\s|$)/m;

interface Wrapper {
  /** Short options that take a value, in the same word or in the next one. */
  readonly valued: string;
  /** The number of words before the command, such as the duration of timeout. */
  readonly operands: number;
}

/** Programs that set something up and execute their operands, in the same process or in their only child. */
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

/** In `#!/usr/bin/env -S node --flag`, -S splits the one argument that a first line can pass: env(1). */
const SPLIT_STRING = /^(?:-[a-z]*S|--split-string=?)(.*)$/;

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
