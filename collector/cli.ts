#!/usr/bin/env node
/** Runs the command that argv names. This is the only file that prints errors and exits. */
import { isMainThread } from 'node:worker_threads';
import { CommanderError } from '@commander-js/extra-typings';
import { ERRORS, ForktaxError } from './model/errors.ts';
import { buildProgram } from './program.ts';
import { printable } from './terminal/text.ts';

const program = buildProgram();
const argv = process.argv.slice(2);

if (isMainThread) main();
// Installed, the collector is one file: a thread of serve starts here too, and that module knows what it is to do.
else void import('./serve/http/password-worker.ts');

function main(): void {
  process.stdout.on('error', onOutputError);
  // A message that nobody can read changes neither what a command does nor its exit status.
  process.stderr.on('error', () => {});
  process.on('uncaughtException', fail);
  program.parseAsync(argv, { from: 'user' }).catch(fail);
}

/** Exits quietly if the reader (`| head`) or the terminal is gone: nobody is left to read an error. */
function onOutputError(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE' || error.code === 'EIO') process.exit(0);
  fail(error);
}

function fail(error: unknown): never {
  if (error instanceof CommanderError) process.exit(onCommanderError(error));
  process.exit(explain(error instanceof ForktaxError ? error : defect(error)));
}

function explain(error: ForktaxError): number {
  const help = error.code === 'FORKTAX_USAGE' ? `See ${commandPath()} --help.` : ERRORS[error.code].help;
  // Messages may quote files, programs and servers: nothing of them may drive the terminal.
  const lines = `forktax: ${error.message}`.split('\n').map(printable);
  process.stderr.write(`${lines.join('\n')}\n${help} [${error.code}]\n`);
  return ERRORS[error.code].exit;
}

function defect(error: unknown): ForktaxError {
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new ForktaxError('FORKTAX_DEFECT', `internal error: ${trace}`, { cause: error });
}

/** Commander has already printed help or the version. It has printed nothing about a wrong command line. */
function onCommanderError(error: CommanderError): number {
  if (error.exitCode === 0) return 0;
  if (error.code === 'commander.help') return ERRORS.FORKTAX_USAGE.exit;
  const message = error.message.replace(/^error: /, '').replace(/\n\(Did you mean (.*)\?\)$/, '; did you mean $1?');
  return explain(new ForktaxError('FORKTAX_USAGE', message));
}

/** Gives the command that the arguments name, or `forktax` if they name none. */
function commandPath(): string {
  const named = program.commands.find((command) => command.name() === argv[0]);
  return named ? `forktax ${named.name()}` : 'forktax';
}
