/** `forktax record` writes what it measures to a file, for `forktax replay`. */
import { Command, Option } from '@commander-js/extra-typings';
import { EVENT_RING_BYTES } from '../measuring/event-ring.ts';
import { measure } from '../measuring/measure.ts';
import { callHookOption, engineOption, nameByOption, openEngine } from '../measuring/open-engine.ts';
import { ForktaxError } from '../model/errors.ts';
import { ROW_LABELS } from '../model/options.ts';
import { parseComm, parseDuration, parsePid, parseSize } from '../terminal/arguments.ts';
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
    .option('-p, --pid <pid>', 'only spawns by this process', parsePid)
    .option('--follow', 'with -p: also spawns by its descendants')
    .option('-n, --name <name>', 'only spawns by processes of this name', parseComm)
    .addOption(
      new Option('--label <label>', 'keep the costs of each apart').choices(ROW_LABELS).default('none' as const),
    )
    .addOption(engineOption())
    .addOption(callHookOption())
    .addOption(nameByOption())
    .passThroughOptions()
    .action(async (words, options) => {
      const { pid, follow = false, name: comm, callHook, nameBy, label, output: path, duration } = options;
      if (follow && pid === undefined) throw new ForktaxError('FORKTAX_USAGE', '--follow needs --pid');
      const { record } = await import('./record.ts');
      const filter = { ...(pid !== undefined && { pid, follow }), ...(comm !== undefined && { comm }) };
      const wanted = { filter, callHook, nameBy, label, ringBytes: EVENT_RING_BYTES };
      await measure(openEngine, { words, pid, engine: options.engine, options: wanted }, async (engine, end) => {
        const { talk, progress } = standardOutput;
        talk(`Recording process spawns to ${path}; Ctrl-C ends.\n`);
        const file = { path, duration, maxBytes: options.maxSize };
        const done = await record(engine, file, (soFar) => progress(progressText(soFar)), end);
        progress('');
        talk(`${progressText(done)}\n`);
      });
    });
  return withManual(command, {
    examples: [
      ['forktax record -o spawns.rec', 'every spawn until Ctrl-C'],
      ['forktax record -o build.rec -- make -j4', 'the spawns of a build'],
      ['forktax record -o day.rec --max-size 500M', 'the last 500 to 1,000 MB'],
      ['forktax replay spawns.rec snoop --min-stall 5ms', 'look at them later'],
    ],
  });
}
