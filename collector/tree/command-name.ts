/** Gives runs of a program one name where they do the same job: `sh -c`, `node build.js`, `git status`, but `cc1` for all of cc1. */
import { basename } from 'node:path';
import type { ExecEvent } from '../model/events.ts';

export interface NamedCommand {
  readonly name: string;
  /** The arguments that are not part of the name. */
  readonly rest: readonly string[];
}

/** What the arguments of a program that runs other code begin with. */
interface Interpreter {
  readonly programs: RegExp;
  /** Options after which the code itself stands, or its name with `named`. */
  readonly code: RegExp;
  readonly named?: RegExp;
  /** Options whose value is the next argument. */
  readonly valued: RegExp;
}

const INTERPRETERS: readonly Interpreter[] = [
  {
    programs: /^(ba|da|z|k|mk|a|fi)?sh$/,
    code: /^-[a-z]*c[a-z]*$/,
    valued: /^[-+]O$|^[-+][a-z]*o$|^--(rc|init-)file$/,
  },
  {
    programs: /^(node|nodejs|MainThread)$/,
    code: /^(-e|-p|-pe|--eval|--print)$/,
    valued: /^(-r|-C|--require|--import|--loader|--experimental-loader|--conditions|--env-file|--input-type)$/,
  },
  { programs: /^(python|pypy)[\d.]*$/, code: /^-[a-zA-Z]*c$/, named: /^-m$/, valued: /^-[WX]$/ },
  { programs: /^perl[\d.]*$/, code: /^-\w*[eE]$/, valued: /^-[IMm]$/ },
  { programs: /^ruby[\d.]*$/, code: /^-\w*e$/, valued: /^-[ICr]$/ },
  { programs: /^php[\d.]*$/, code: /^-r$/, named: /^-f$/, valued: /^-[cdz]$/ },
  { programs: /^java$/, code: /^$/, named: /^-(jar|m)$/, valued: /^(-cp|-p|--?class-?path|--module-path|--add-\w+)$/ },
];

/** Programs whose first argument that is no option is what they do. */
const WITH_SUBCOMMANDS =
  /^(git|npm|npx|pnpm|yarn|cargo|rustup|go|docker|podman|kubectl|helm|systemctl|apt|apt-get|pip[\d.]*|bundle|gh|dotnet|gradle|mvn|deno|bun)$/;
/** Subcommands that do what their own first argument says. */
const RUNNERS = /^(run|exec|x|run-script|tool|compose)$/;
const VALUED = /^(-[cCHn]|--prefix|--git-dir|--work-tree|--context|--namespace|--manifest-path)$/;

/** Gives a command the name of its program, and of what that is to do if its arguments say so in a known way. */
export function nameCommand({ file, commandLine }: Pick<ExecEvent, 'file' | 'commandLine'>): NamedCommand {
  const program = basename(file);
  const words = argumentsOf(file, commandLine?.words ?? []);
  const interpreter = INTERPRETERS.find(({ programs }) => programs.test(program));
  if (interpreter) return nameInterpreted(program, words, interpreter);
  if (WITH_SUBCOMMANDS.test(program)) return nameSubcommand(program, words);
  return { name: program, rest: words };
}

/** Without the program's name; of a script also without its interpreter, which the kernel puts before the script's path. */
function argumentsOf(file: string, words: readonly string[]): readonly string[] {
  const [first = ''] = words;
  const isScript = basename(first) !== basename(file);
  const at = isScript ? words.slice(0, 3).indexOf(file) : -1;
  return words.slice(Math.max(0, at) + 1);
}

function nameInterpreted(
  program: string,
  words: readonly string[],
  { code, named, valued }: Interpreter,
): NamedCommand {
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    if (code.test(word)) return { name: `${program} ${word}`, rest: words.toSpliced(i, 1) };
    if (named?.test(word))
      return { name: `${program} ${word} ${shortName(words[i + 1])}`, rest: words.toSpliced(i, 2) };
    if (valued.test(word)) i++;
    else if (!/^[-+]/.test(word)) return { name: `${program} ${shortName(word)}`, rest: words.toSpliced(i, 1) };
  }
  return { name: program, rest: words };
}

function nameSubcommand(program: string, words: readonly string[]): NamedCommand {
  const at = words.findIndex((word, i) => !word.startsWith('-') && !VALUED.test(words[i - 1] ?? ''));
  const subcommand = words[at];
  if (subcommand === undefined) return { name: program, rest: words };
  const next = words[at + 1];
  const length = RUNNERS.test(subcommand) && next !== undefined && !next.startsWith('-') ? 2 : 1;
  const parts = words.slice(at, at + length).map(shortName);
  return { name: [program, ...parts].join(' '), rest: words.toSpliced(at, length) };
}

const MOST_CHARACTERS = 40;

/** The last part of a path. What is long is no name. */
const shortName = (word = ''): string => basename(word).slice(0, MOST_CHARACTERS);
