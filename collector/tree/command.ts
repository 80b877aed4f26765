/** `forktax tree` shows the processes that a command creates, and what their spawns cost. */
import { basename } from 'node:path';
import { Command } from '@commander-js/extra-typings';
import { EVENT_RING_BYTES } from '../measuring/event-ring.ts';
import { callHookOption, engineOption, openEngine, type OpenEngine } from '../measuring/open-engine.ts';
import { stopMeasuring } from '../measuring/stop.ts';
import { ForktaxError } from '../model/errors.ts';
import { parseCount, parseDuration, parsePercent, parsePid } from '../terminal/arguments.ts';
import { withManual } from '../terminal/manual.ts';
import { standardOutput } from '../terminal/output.ts';
import { PROCESS_FIELDS, TREE_SUMMARY_FIELDS } from './tree-json.ts';
import { TREE_COLUMNS } from './tree-text.ts';

export function treeCommand(open: OpenEngine = openEngine) {
  const command = new Command('tree')
    .summary('show the processes that a command creates as a tree, with what each spawn cost')
    .description(
      'Runs a command, or watches a process or the whole host, and shows all processes that were made as a tree with the ' +
        'time for which their parents stood still. Processes with the same name and the same ancestors share a line.',
    )
    .usage('[options] [-- <command> [arguments...]]')
    .argument('[command...]', 'a program and its arguments')
    .option('-p, --pid <pid>', 'watch this process and its descendants', parsePid)
    .option('-d, --duration <duration>', 'stop after this time, such as 30s', parseDuration)
    .option('--depth <levels>', 'show at most so many levels', parseCount, Infinity)
    .option('--min-share <percent>', 'leave out lines with a smaller share of the stall', parsePercent, 0.01)
    .addOption(engineOption())
    .addOption(callHookOption())
    .option('--json', 'print NDJSON, a record for each process')
    .passThroughOptions()
    .action(async (words, options) => {
      const { pid, callHook } = options;
      if (words.length > 0 && pid !== undefined)
        throw new ForktaxError('FORKTAX_USAGE', 'give a command or --pid, not both');
      const { prepareCommand } = await import('../measuring/own-command.ts');
      const own = words.length > 0 ? await prepareCommand(words) : undefined;
      // A process that runs already has descendants that the kernel's filter does not know, so all events are taken.
      const filter = own ? { pid: own.pid, follow: true } : {};
      const engine = await open(options.engine, { filter, callHook, ringBytes: EVENT_RING_BYTES }, standardOutput);
      try {
        const [{ tree }, { runningBelow }] = await Promise.all([import('./tree.ts'), import('./running.ts')]);
        const rootPid = own?.pid ?? pid;
        const what = own ? words.join(' ') : pid === undefined ? 'all' : `process ${pid}`;
        const running = own
          ? [{ pid: own.pid, comm: basename(words[0] ?? '') }]
          : engine.clock || pid === undefined
            ? []
            : runningBelow(pid);
        const stop = stopMeasuring(engine, pid, standardOutput);
        const end = own ? AbortSignal.any([stop, own.ended]) : stop;
        const shown = tree(engine, { ...options, what, rootPid, running, announced: !own }, standardOutput, end);
        await own?.run();
        await shown;
        if (own) process.exitCode = await own.status;
      } finally {
        engine.close();
      }
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
