/** Runs the real command line in its own process. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../collector/cli.ts', import.meta.url));

const COMPILED = fileURLToPath(new URL('../scripts/forktax', import.meta.url));

/** The flags of this process, without those for tests. */
export const NODE_FLAGS = process.execArgv.filter((flag) =>
  /^--(experimental-strip-types|disable-warning=)/.test(flag),
);

export interface CliResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliProcess {
  readonly child: ChildProcess;
  /** Resolves when stderr contains the text. Fails if the process ends first. */
  said(text: string): Promise<void>;
  readonly result: Promise<CliResult>;
}

/** `before` is a command that runs forktax, such as setpriv with its options. */
export function startCli(args: readonly string[], before: readonly string[] = [], cli = CLI): CliProcess {
  return startProgram([...before, process.execPath, ...NODE_FLAGS, cli, ...args]);
}

/** Starts forktax as a checkout has it, compiled. */
export function startCompiledCli(args: readonly string[]): CliProcess {
  return startProgram([COMPILED, ...args]);
}

function startProgram([command = '', ...rest]: readonly string[]): CliProcess {
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const result = once(child, 'close').then((): CliResult => ({ status: child.exitCode, stdout, stderr }));
  const said = async (text: string): Promise<void> => {
    const ended = result.then(() => 'ended' as const);
    while (!stderr.includes(text)) {
      const event = await Promise.race([once(child.stderr, 'data'), ended]);
      if (event === 'ended' && !stderr.includes(text)) throw new Error(`ended without saying ${text}: ${stderr}`);
    }
  };
  return { child, said, result };
}

export function runCli(...args: readonly string[]): Promise<CliResult> {
  return startCli(args).result;
}
