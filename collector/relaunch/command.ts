/** `forktax relaunch`: runs a program with afork, and shows what its spawns cost. */
import { Command, Option } from '@commander-js/extra-typings';
import { ForktaxError } from '../model/errors.ts';
import { VIAS } from './choose/choose.ts';
import { parseCount, parsePid } from '../terminal/arguments.ts';
import { withManual } from '../terminal/manual.ts';

export function relaunchCommand() {
  const command = new Command('relaunch')
    .summary('run a program with afork and show what its spawns cost')
    .description(
      'Runs a program so that it and its descendants spawn by afork where that is possible, measures them, and ' +
        'reports to standard error. Everything else is as without: input, output, signals, exit status.',
    )
    .usage('[options] -- <command> [arguments...]')
    .argument('[command...]', 'the program and its arguments')
    .addOption(new Option('--via <way>', 'how').choices(VIAS).default('auto' as const))
    .option('--report <file>', 'write the report to this file')
    .option('--json', 'report as one JSON object')
    .option('--compare', 'run it without, then with, and show both side by side')
    .option('--runs <count>', 'with --compare: so many times each', parseCount, 3)
    .option('-p, --pid <pid>', 'show how this process would be run instead', parsePid)
    .option('--replace', 'with -p: end it, and run it so')
    .passThroughOptions()
    .action(async (words, options) => {
      const { relaunch } = await import('./relaunch.ts');
      process.exitCode = await relaunch(words, checked(words, options));
    });
  return withManual(command, {
    examples: [
      ['forktax relaunch -- node server.js', 'as usual, and a report at the end'],
      ['forktax relaunch --report spawns.txt -- make -j4', 'with the report in a file'],
      ['forktax relaunch --compare --runs 5 -- npm test', 'is it worth it?'],
      ['forktax relaunch --via none -- git fetch', 'only measure'],
      ['forktax relaunch --pid 1234', 'how would that be run?'],
    ],
  });
}

export interface RelaunchOptions {
  readonly via: (typeof VIAS)[number];
  readonly report?: string | undefined;
  readonly json?: boolean | undefined;
  readonly compare?: boolean | undefined;
  readonly runs: number;
  readonly pid?: number | undefined;
  readonly replace?: boolean | undefined;
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
