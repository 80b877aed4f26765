/** `forktax replay` runs a command on a recording instead of on this host. */
import { Argument, Command, InvalidArgumentError, Option, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { adviseCommand } from '../advise/command.ts';
import { exportCommand } from '../export/command.ts';
import { histCommand } from '../hist/command.ts';
import type { OpenEngine } from '../measuring/open-engine.ts';
import { serveCommand } from '../serve/command.ts';
import { sitesCommand } from '../sites/command.ts';
import { snoopCommand } from '../snoop/command.ts';
import { ForktaxError } from '../model/errors.ts';
import { withManual } from '../terminal/manual.ts';
import { topCommand } from '../top/command.ts';
import { treeCommand } from '../tree/command.ts';
import type { TimeOfDay } from './open-replay.ts';

interface Replayed {
  readonly build: (open: OpenEngine) => CommandUnknownOpts;
  /** It shows single spawns, and needs no costs of their spawners. */
  readonly eventsOnly?: boolean;
  /** How many times faster than it happened, unless the user says so. Default: without any waiting. */
  readonly speed?: number;
}

/** Flags of replayed commands that say how to measure, or whom else to ask: what was not recorded cannot be chosen now. */
const LIVE_ONLY: ReadonlySet<string> = new Set([
  '--engine',
  '--call-hook',
  '--name-by',
  '--without-hook',
  '--max-spawners',
  '--max-processes',
  '--pin',
  '--label',
  '--cgroup',
  '--kubelet.url',
  '--kubelet.token-file',
  '--kubelet.ca-file',
  '--kubelet.insecure-skip-verify',
  '--web.enable-sites',
  '--url',
  '--stack-bytes',
  '--stacks-per-second',
  '--no-scripts',
]);

/** The commands that can be replayed. */
const REPLAYED: Readonly<Record<string, Replayed>> = {
  snoop: { build: snoopCommand, eventsOnly: true },
  hist: { build: histCommand },
  // Stacks were unwound when they were recorded.
  sites: { build: (open) => sitesCommand(open, () => undefined), eventsOnly: true },
  top: { build: topCommand },
  advise: { build: adviseCommand },
  tree: { build: treeCommand, eventsOnly: true },
  export: { build: exportCommand, eventsOnly: true },
  // People look at its page, and Prometheus scrapes it, while it plays.
  serve: { build: serveCommand, speed: 1 },
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
      new Option(
        '--speed <times>',
        'how many times faster than it happened; max does not wait (default: max, for serve 1)',
      ).argParser(parseSpeed),
    )
    .option('--at <time>', 'begin at this time of day, such as 14:03 or 14:03:20', parseTimeOfDay)
    .passThroughOptions()
    .action(async (path, name, words, options) => {
      const replay = REPLAYED[name];
      if (!replay) throw new RangeError(name); // commander checks the choices
      const { build, eventsOnly = false, speed = Infinity } = replay;
      const { openerOf } = await import('./open-replay.ts');
      const replayed = build(openerOf({ path, eventsOnly, at: options.at, speed: options.speed ?? speed }));
      replayed.copyInheritedSettings(command);
      replayed.hook('preAction', (_command, action) => refuseLiveOnly(action, name));
      await replayed.parseAsync([...words], { from: 'user' });
    });
  return withManual(command, {
    examples: [
      ['forktax replay spawns.rec snoop --min-stall 5ms', 'which spawns stalled for more than 5 ms?'],
      ['forktax replay --at 14:03 spawns.rec hist 10', 'stalls of every ten seconds, from 14:03 on'],
      ['forktax replay --speed 10 spawns.rec snoop', 'as it happened, ten times faster'],
      ['forktax replay spawns.rec advise', 'what would help those who spawned then'],
      ['forktax replay spawns.rec serve', 'the page at / of a collector, as it was then'],
    ],
  });
}

/** Without this, they would be without effect. */
function refuseLiveOnly(action: CommandUnknownOpts, name: string): void {
  const given = action.options
    .filter(
      (option) => LIVE_ONLY.has(option.long ?? '') && action.getOptionValueSource(option.attributeName()) === 'cli',
    )
    .map(({ long }) => long);
  if (given.length > 0)
    throw new ForktaxError(
      'FORKTAX_USAGE',
      `replay ${name} cannot use ${given.join(', ')}: a recording is as it was made`,
    );
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
