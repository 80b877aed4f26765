/** `forktax tree` shows the processes that a command creates, and what their spawns cost. */
import { basename } from 'node:path';
import { Command, Option } from '@commander-js/extra-typings';
import { detailOptions, tellMissingDetails } from '../measuring/details.ts';
import { measure } from '../measuring/measure.ts';
import { callHookOption, engineOption, openEngine, type OpenEngine } from '../measuring/open-engine.ts';
import { runningBelow } from '../measuring/running.ts';
import type { EventDetail } from '../model/options.ts';
import { parseCount, parseDuration, parsePercent, parsePid } from '../terminal/arguments.ts';
import { withManual } from '../terminal/manual.ts';
import { standardOutput } from '../terminal/output.ts';
import { joinWords } from '../terminal/words.ts';
import { PROCESS_FIELDS, TREE_SUMMARY_FIELDS } from './tree-json.ts';
import { TREE_COLUMNS } from './tree-text.ts';

export function treeCommand(open: OpenEngine = openEngine) {
  const command = new Command('tree')
    .summary('show the processes that a command creates as a tree, with what each spawn cost')
    .description(
      'Runs a command, or watches a process or the whole host, and shows all processes that were made as a tree with the ' +
        'time for which their parents stood still. Processes with the same name and the same ancestors share a line. The ' +
        'command lines of descendants of the command or the process are shown, and never stored.',
    )
    .usage('[options] [-- <command> [arguments...]]')
    .argument('[command...]', 'a program and its arguments')
    .option('-p, --pid <pid>', 'watch this process and its descendants', parsePid)
    .option('-d, --duration <duration>', 'stop after this time, such as 30s', parseDuration)
    .addOption(
      new Option('--depth <levels>', 'show at most so many levels').argParser(parseCount).default(Infinity, 'all'),
    )
    .option('--min-share <percent>', 'leave out lines with a smaller share of the stall', parsePercent, 0.01)
    .option('--no-args', 'show no command lines, which may hold secrets')
    .addOption(engineOption())
    .addOption(callHookOption())
    .option('--json', 'print NDJSON, a record for each process')
    .passThroughOptions()
    .action(async (words, options) => {
      const { pid, callHook } = options;
      const { tree } = await import('./tree.ts');
      // A process that runs already has descendants that the kernel's filter does not know, so all events are taken.
      const showsArguments = options.args && (words.length > 0 || pid !== undefined);
      const details: EventDetail[] = showsArguments ? ['arguments'] : [];
      const wanted = {
        callHook,
        ...detailOptions(details),
        ...(showsArguments && pid !== undefined && { argumentsBelowPid: pid }),
      };
      await measure(open, { words, pid, engine: options.engine, options: wanted }, async (engine, end, own) => {
        const settings = own
          ? { what: joinWords(words), rootPid: own.pid, running: [{ pid: own.pid, comm: basename(words[0] ?? '') }] }
          : {
              what: pid === undefined ? 'all' : `process ${pid}`,
              rootPid: pid,
              running: engine.clock || pid === undefined ? [] : runningBelow(pid),
            };
        // Whoever replays did not ask for command lines.
        if (!engine.clock) tellMissingDetails(engine, details, standardOutput);
        await tree(engine, { ...options, ...settings, announced: !own }, standardOutput, end);
      });
    });
  return withManual(command, {
    examples: [
      ['forktax tree -- make -j4', 'the processes of a build'],
      ['forktax tree --min-share 5 --depth 3 -- npm test', 'only the expensive ones'],
      ['forktax tree -p 1234 -d 30s', 'what a running process makes in 30 seconds'],
      ['forktax tree -d 10s', 'all processes that the host makes'],
    ],
    fields: [
      { title: 'Columns of tree', entries: TREE_COLUMNS.map(({ title, meaning }) => [title, meaning]) },
      { title: 'Records of tree --json', entries: Object.entries(PROCESS_FIELDS) },
      { title: 'Last record of tree --json', entries: Object.entries(TREE_SUMMARY_FIELDS) },
    ],
  });
}
