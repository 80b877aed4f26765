/** The tree of commands: what cli.ts runs, and what help, completion and the man page are made from. */
import { Command, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { adviseCommand } from './advise/command.ts';
import { completionCommand } from './completion/command.ts';
import { doctorCommand } from './doctor/command.ts';
import { healthCommand } from './health/command.ts';
import { histCommand } from './hist/command.ts';
import { probesCommand } from './probes/command.ts';
import { relaunchCommand } from './relaunch/command.ts';
import { serveCommand } from './serve/command.ts';
import { snoopCommand } from './snoop/command.ts';
import { withManual } from './terminal/manual.ts';
import { VERSION } from './system/version.ts';

/** In the order of `--help`. Each file imports what is heavy only when its command runs. */
const COMMANDS: readonly (() => CommandUnknownOpts)[] = [
  serveCommand,
  snoopCommand,
  histCommand,
  adviseCommand,
  relaunchCommand,
  probesCommand,
  doctorCommand,
  healthCommand,
  completionCommand,
];

export function buildProgram(): CommandUnknownOpts {
  const program: CommandUnknownOpts = new Command('forktax')
    .summary('shows what process spawning costs a live system')
    .description('What does process spawning cost this system, and how do I stop paying it?')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: () => {} });
  for (const build of COMMANDS) program.addCommand(inheriting(build(), program));
  return withManual(program, {
    examples: [
      ['forktax doctor', 'what this kernel and this user allow'],
      ['forktax snoop', 'a line per spawn, as it happens'],
      ['forktax hist 5', 'histograms of stalls, every five seconds'],
      ['forktax relaunch --compare -- npm test', 'what afork would save, measured'],
    ],
  });
}

/** A command and those below it, with the parent's ways to print and to end. */
function inheriting(command: CommandUnknownOpts, parent: CommandUnknownOpts): CommandUnknownOpts {
  command.copyInheritedSettings(parent);
  for (const below of command.commands) inheriting(below, command);
  return command;
}
