/** A command that forktax runs itself, so that its spawns are measured from the first one on. */
import { once } from 'node:events';
import { constants } from 'node:os';
import { execError } from '../system/exec-error.ts';
import { execHeld } from '../system/exec-held.ts';
import { findCommand } from '../system/find-command.ts';
import { forwardSignals } from '../system/forward-signals.ts';
import { hold } from '../system/hold.ts';
import { takeInheritance } from '../system/inherited.ts';

export interface OwnCommand {
  /** The process that will execute the command. */
  readonly pid: number;
  /**
   * Executes the command. Signals that this process gets from elsewhere than the terminal are forwarded to it.
   * @throws FORKTAX_NOT_FOUND, FORKTAX_NOT_EXECUTABLE
   */
  run(): Promise<void>;
  /** Aborted when the command has ended. */
  readonly ended: AbortSignal;
  /** Its exit status, or 128 + the number of the signal that ended it, as a shell gives it. */
  readonly status: Promise<number>;
}

/**
 * Makes the process, which waits until `run` is called. Call this before the probes are loaded. `variablesOf` gives what is
 * added to its environment, and may open descriptors: the command does not get them.
 * @throws FORKTAX_NOT_FOUND, FORKTAX_NOT_EXECUTABLE, FORKTAX_NO_NATIVE
 */
export async function prepareCommand(
  words: readonly string[],
  variablesOf: () => Readonly<Record<string, string>> | undefined = () => undefined,
): Promise<OwnCommand> {
  const [name = ''] = words;
  const { argv, environment, descriptors, openFiles } = takeInheritance(words.length);
  const variables = variablesOf() ?? {};
  const path = findCommand(name, { searchPath: process.env['PATH'], directory: process.cwd() });
  const held = await hold({ descriptors });
  const stopForwarding = forwardSignals(held.pid);
  const ended = new AbortController();
  const status = once(held.child, 'exit').then(([code, signal]: (number | NodeJS.Signals | null)[]) => {
    stopForwarding();
    ended.abort();
    return typeof signal === 'string' ? 128 + constants.signals[signal] : Number(code ?? 0);
  });
  return {
    pid: held.pid,
    ended: ended.signal,
    status,
    async run() {
      const error = await execHeld(held, { path, argv, environment: withVariables(environment, variables), openFiles });
      if (error === undefined) return;
      held.release();
      throw execError(name, error);
    },
  };
}

/** Variables are bytes, which need not be text. */
function withVariables(environment: readonly Buffer[], variables: Readonly<Record<string, string>>): readonly Buffer[] {
  const added = Object.entries(variables).map(([name, value]) => Buffer.from(`${name}=${value}`));
  const isReplaced = (variable: Buffer): boolean =>
    Object.keys(variables).some((name) => variable.indexOf(`${name}=`) === 0);
  return [...environment.filter((variable) => !isReplaced(variable)), ...added];
}
