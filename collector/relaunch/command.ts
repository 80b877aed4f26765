/** `forktax relaunch`: runs a program with afork, and shows what its spawns cost. */
import { Command, Option } from '@commander-js/extra-typings';
import { ForktaxError } from '../model/errors.ts';
import { VIAS } from './choose/choose.ts';
import { parseCount, parsePid } from '../terminal/arguments.ts';
import { withManual } from '../terminal/manual.ts';
import type { RelaunchOptions } from './relaunch.ts';

export function relaunchCommand() {
  const command = new Command('relaunch')
    .summary('run a program with afork and show what its spawns cost')
    .description(
      'Runs a program so that it and its descendants spawn by afork where that is possible, measures their spawns, and ' +
        'writes a report to standard error. Input, output, signals and exit status are those of the program.',
    )
    .usage('[options] -- <command> [arguments...]')
    .argument('[command...]', 'the program and its arguments')
    .addOption(new Option('--via <way>', 'how the program gets afork').choices(VIAS).default('auto' as const))
    .option('--report <file>', 'write the report to this file instead')
    .option('--json', 'write the report as one JSON object')
    .option('--compare', 'run the program without and with afork, and show both side by side')
    .option('--runs <count>', 'with --compare: how often to run it on each side', parseCount, 3)
    .option('-p, --pid <pid>', 'show how this running process would be run with afork', parsePid)
    .option('--replace', 'with -p: end the process and run it that way')
    .passThroughOptions()
    .action(async (words, options) => {
      const { relaunch } = await import('./relaunch.ts');
      process.exitCode = await relaunch(words, checked(words, options));
    });
  return withManual(command, {
    examples: [
      ['forktax relaunch -- node server.js', 'run a server, and get a report when it ends'],
      ['forktax relaunch --report spawns.txt -- make -j4', 'write the report to a file'],
      ['forktax relaunch --compare --runs 5 -- npm test', 'measure what afork saves'],
      ['forktax relaunch --via none -- git fetch', 'measure only'],
      ['forktax relaunch --pid 1234', 'show how a running process would be run'],
    ],
  });
}

function checked(words: readonly string[], options: RelaunchOptions): RelaunchOptions {
  const complain = (message: string): never => {
    throw new ForktaxError('FORKTAX_USAGE', message);
  };
  if (options.pid === undefined && words.length === 0) complain('give a command, or a process with --pid');
  if (options.pid !== undefined && words.length > 0) complain('give a command or --pid, not both');
  if (options.replace && options.pid === undefined) complain('--replace needs --pid');
  if (options.compare && options.pid !== undefined) complain('--compare needs a command, not --pid');
  return options;
}
