/** The tree of commands: what cli.ts runs, and what help, completion and the man page are made from. */
import { Command, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { doctorCommand } from './commands/doctor.ts';
import { histCommand } from './commands/hist.ts';
import { serveCommand } from './commands/serve.ts';
import { snoopCommand } from './commands/snoop.ts';
import { VERSION } from './version.ts';

/** In the order of `--help`. Each file imports what is heavy only when its command runs. */
const COMMANDS: readonly (() => CommandUnknownOpts)[] = [serveCommand, snoopCommand, histCommand, doctorCommand];

export function buildProgram(): CommandUnknownOpts {
  const program = new Command('forktax')
    .description('What does process spawning cost this system, and how do I stop paying it?')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ outputError: () => {} });
  for (const build of COMMANDS) program.addCommand(build().copyInheritedSettings(program));
  return program;
}
