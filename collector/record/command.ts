/** `forktax record` writes what it measures to a file, for `forktax replay`. */
import { Command, Option } from '@commander-js/extra-typings';
import { EVENT_RING_BYTES } from '../measuring/event-ring.ts';
import { measure } from '../measuring/measure.ts';
import { callHookOption, engineOption, nameByOption, openEngine } from '../measuring/open-engine.ts';
import { chooseSpawners, followOption, nameOption, pidOption } from '../measuring/spawner-options.ts';
import { ForktaxError } from '../model/errors.ts';
import { DEFAULT_STACK_OPTIONS, ROW_LABELS } from '../model/options.ts';
import { openUnwinder } from '../system/unwinder.ts';
import { parseDuration, parseSize } from '../terminal/arguments.ts';
import { withManual } from '../terminal/manual.ts';
import { standardOutput } from '../terminal/output.ts';
import { progressText } from './progress.ts';

export function recordCommand() {
  const command = new Command('record')
    .summary('write spawns and their costs to a file, for replay')
    .description(
      'Writes every spawn, and the costs of all spawners each second, to a file that `forktax replay` shows later, on any ' +
        'machine. With a command, runs it and records its spawns and those of its descendants until it ends.',
    )
    .usage('[options] -o <file> [-- <command> [arguments...]]')
    .argument('[command...]', 'a program and its arguments')
    .requiredOption('-o, --output <file>', 'the file to write')
    .option('-d, --duration <duration>', 'stop after this time, such as 30s', parseDuration)
    .option(
      '--max-size <size>',
      'begin a new file at this size, such as 100M; the full one becomes <file>.1',
      parseSize,
    )
    .addOption(pidOption())
    .addOption(followOption())
    .addOption(nameOption())
    .addOption(
      new Option('--label <label>', 'keep the costs of each apart').choices(ROW_LABELS).default('none' as const),
    )
    .option('--stacks', 'record which code spawned, for `forktax replay FILE sites`')
    .addOption(engineOption())
    .addOption(callHookOption())
    .addOption(nameByOption())
    .passThroughOptions()
    .action(async (words, options) => {
      const { pid, callHook, label, output: path, duration } = options;
      const { filter, nameBy, shownName } = chooseSpawners(options, { hasCommand: words.length > 0 });
      if (shownName !== undefined)
        throw new ForktaxError('FORKTAX_USAGE', 'with descendants, --name cannot be recorded alone: give it to replay');
      const { record } = await import('./record.ts');
      const wanted = {
        filter,
        callHook,
        nameBy,
        label,
        ringBytes: EVENT_RING_BYTES,
        ...(options.stacks && { stacks: DEFAULT_STACK_OPTIONS }),
      };
      const unwinder = options.stacks ? openUnwinder() : undefined;
      try {
        const subject = { words, pid, engine: options.engine, options: wanted, ready: unwinder?.ready() };
        await measure(openEngine, subject, async (engine, end) => {
          const { talk, progress } = standardOutput;
          const file = { path, duration, maxBytes: options.maxSize, unwinder };
          const recording = record(engine, file, (soFar) => progress(progressText(soFar)), end);
          talk(`Recording process spawns to ${path}; Ctrl-C ends.\n`);
          const done = await recording;
          progress('');
          talk(`${progressText(done)}\n`);
        });
      } finally {
        unwinder?.close();
      }
    });
  return withManual(command, {
    examples: [
      ['forktax record -o spawns.rec', 'every spawn until Ctrl-C'],
      ['forktax record -o build.rec -- make -j4', 'the spawns of a build'],
      ['forktax record -o day.rec --max-size 500M', 'the last 500 to 1,000 MB'],
      [
        'forktax record --stacks -o build.rec -- make -j4',
        'with the code that spawned: forktax replay build.rec sites',
      ],
      ['forktax replay spawns.rec snoop --min-stall 5ms', 'look at them later'],
    ],
  });
}
