/** The tree of commands. cli.ts runs it; help, completion and the man page are made from it. */
import { Command, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { adviseCommand } from './advise/command.ts';
import { completionCommand } from './completion/command.ts';
import { doctorCommand } from './doctor/command.ts';
import { exportCommand } from './export/command.ts';
import { healthCommand } from './health/command.ts';
import { histCommand } from './hist/command.ts';
import { probesCommand } from './probes/command.ts';
import { recordCommand } from './record/command.ts';
import { relaunchCommand } from './relaunch/command.ts';
import { replayCommand } from './replay/command.ts';
import { serveCommand } from './serve/command.ts';
import { sitesCommand } from './sites/command.ts';
import { snoopCommand } from './snoop/command.ts';
import { topCommand } from './top/command.ts';
import { treeCommand } from './tree/command.ts';
import { withManual } from './terminal/manual.ts';
import { VERSION } from './system/version.ts';

/** The commands in the order of `--help`. Each file imports heavy modules only when its command runs. */
const COMMANDS: readonly (() => CommandUnknownOpts)[] = [
  serveCommand,
  topCommand,
  snoopCommand,
  histCommand,
  adviseCommand,
  relaunchCommand,
  treeCommand,
  sitesCommand,
  recordCommand,
  replayCommand,
  exportCommand,
  probesCommand,
  doctorCommand,
  healthCommand,
  completionCommand,
];

export function buildProgram(): CommandUnknownOpts {
  const program: CommandUnknownOpts = new Command('forktax')
    .summary('shows what process spawning costs a live system')
    .description('Shows what process spawning costs a live system, and how to avoid the cost.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: () => {} });
  for (const build of COMMANDS) program.addCommand(inheriting(build(), program));
  return withManual(program, {
    examples: [
      ['forktax doctor', 'can forktax measure here?'],
      ['forktax snoop --min-stall 5ms', 'which spawns stall for more than 5 ms, now?'],
      ['forktax top', 'who spawns now, and what does it cost?'],
      ['forktax snoop -x', 'what fails to start, and with which error?'],
      ['forktax hist 5', 'how are stalls distributed, every five seconds?'],
      ['forktax advise', 'who stalls most, why, and what helps?'],
      ['forktax relaunch --compare -- npm test', 'what would afork save this program?'],
      ['forktax serve', 'metrics for Prometheus'],
    ],
  });
}

/** Gives a command and its subcommands the output and exit settings of the parent. */
function inheriting(command: CommandUnknownOpts, parent: CommandUnknownOpts): CommandUnknownOpts {
  command.copyInheritedSettings(parent);
  for (const below of command.commands) inheriting(below, command);
  return command;
}
