/** `forktax replay` runs a command on a recording instead of on this host. */
import { Argument, Command, InvalidArgumentError, Option, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { exportCommand } from '../export/command.ts';
import { histCommand } from '../hist/command.ts';
import type { OpenEngine } from '../measuring/open-engine.ts';
import { snoopCommand } from '../snoop/command.ts';
import { withManual } from '../terminal/manual.ts';
import { topCommand } from '../top/command.ts';
import { treeCommand } from '../tree/command.ts';
import type { TimeOfDay } from './open-replay.ts';

/** The commands that can be replayed. */
const REPLAYED: Readonly<Record<string, (open: OpenEngine) => CommandUnknownOpts>> = {
  snoop: snoopCommand,
  hist: histCommand,
  top: topCommand,
  tree: treeCommand,
  export: exportCommand,
};

export function replayCommand() {
  const command = new Command('replay')
    .summary('run a command on what was recorded')
    .description(
      'Runs another command of forktax on a recording instead of on this host, and prints what it would have printed then. ' +
        'Needs no privilege.',
    )
    .usage('[options] <file> <command> [options of the command...]')
    .argument('<file>', 'what forktax record wrote')
    .addArgument(new Argument('<command>', 'the command to run').choices(Object.keys(REPLAYED)))
    .argument('[arguments...]', 'options and arguments of the command')
    .addOption(
      new Option('--speed <times>', 'how many times faster than it happened; max does not wait')
        .argParser(parseSpeed)
        .default(Infinity, 'max'),
    )
    .option('--at <time>', 'begin at this time of day, such as 14:03 or 14:03:20', parseTimeOfDay)
    .passThroughOptions()
    .action(async (path, name, words, options) => {
      const build = REPLAYED[name];
      if (!build) throw new RangeError(name); // commander checks the choices
      const { openerOf } = await import('./open-replay.ts');
      const replayed = build(openerOf({ path, ...options }));
      replayed.copyInheritedSettings(command);
      await replayed.parseAsync([...words], { from: 'user' });
    });
  return withManual(command, {
    examples: [
      ['forktax replay spawns.rec snoop --min-stall 5ms', 'which spawns stalled for more than 5 ms?'],
      ['forktax replay --at 14:03 spawns.rec hist 10', 'stalls of every ten seconds, from 14:03 on'],
      ['forktax replay --speed 10 spawns.rec snoop', 'as it happened, ten times faster'],
    ],
  });
}

function parseSpeed(text: string): number {
  const speed = text === 'max' ? Infinity : Number(text);
  if (!(speed > 0)) throw new InvalidArgumentError('Give a number above zero, or max.');
  return speed;
}

function parseTimeOfDay(text: string): TimeOfDay {
  const [, hours, minutes, seconds = '0'] = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text) ?? [];
  if (hours === undefined || Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59)
    throw new InvalidArgumentError('Give a time of day, such as 14:03 or 14:03:20.');
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}
