/** `forktax top` shows who spawns now, on the whole screen. */
import { Command, Option } from '@commander-js/extra-typings';
import { clockOf } from '../measuring/clock.ts';
import { callHookOption, engineOption, nameByOption, openEngine, type OpenEngine } from '../measuring/open-engine.ts';
import { ForktaxError } from '../model/errors.ts';
import { parseCollectorUrl } from '../remote/collector-url.ts';
import { parseInterval } from '../terminal/arguments.ts';
import { withManual } from '../terminal/manual.ts';
import { standardOutput } from '../terminal/output.ts';
import { stopRequested } from '../terminal/stop.ts';
import type { Clock } from '../model/clock.ts';
import { TOP_COLUMNS } from './columns.ts';
import type { SpawnerName } from './history.ts';
import type { Source } from './source.ts';

const SORTS = new Map(
  TOP_COLUMNS.filter(({ key }) => key).map(({ title }) => [title.toLowerCase().replace('/s', ''), title]),
);

export function topCommand(open: OpenEngine = openEngine) {
  const command = new Command('top')
    .summary('show who spawns now, refreshed every second')
    .description(
      'Shows the programs that spawn on the whole screen, with what their spawns cost now and in the last minute. ' +
        'Press ? for the keys. Enter shows one program: its mechanisms, what its children execute, and its last spawns.',
    )
    .addOption(
      new Option('-d, --delay <time>', 'time between two readings').argParser(parseInterval).default(1e9, '1s'),
    )
    .option('-b, --once', 'print one table and end')
    .addOption(new Option('--sort <column>', 'sort by this column').choices([...SORTS.keys()]).default('stall'))
    .addOption(
      new Option('--by <what>', 'a line for each').choices(['name', 'pid', 'unit'] as const).default('name' as const),
    )
    .option('-n, --name <text>', 'only spawners whose name contains this', '')
    .option('--url <url>', 'show a running collector, such as http://server:19435')
    .addOption(engineOption())
    .addOption(callHookOption())
    .addOption(nameByOption())
    .action(async (options) => {
      const url = options.url === undefined ? undefined : parseCollectorUrl(options.url);
      const { by, once, callHook, nameBy } = options;
      const screen = !once && process.stdin.isTTY && process.stdout.isTTY;
      if (!once && !screen) throw new ForktaxError('FORKTAX_USAGE', 'top needs a terminal; --once prints one table');
      const [{ printOnce, showScreen }, { hostSource, remoteSource }] = await Promise.all([
        import('./top.ts'),
        import('./source.ts'),
      ]);
      const settings = {
        delay: options.delay,
        sort: SORTS.get(options.sort) ?? 'STALL/s',
        filter: options.name,
      };
      const run = screen ? showScreen : printOnce;
      const show = (source: Source, clock: Clock): Promise<void> =>
        run(source, { ...settings, nameOf: namesBy(by, source) }, clock, standardOutput, stopRequested());
      if (url) return show(await remoteSource(url), clockOf(undefined));
      const wanted = { callHook, nameBy, label: by === 'pid' ? ('pid' as const) : ('cgroup' as const) };
      const engine = await open(options.engine, wanted, standardOutput);
      try {
        await show(hostSource(engine), clockOf(engine));
      } finally {
        engine.close();
      }
    });
  return withManual(command, {
    examples: [
      ['forktax top', 'who spawns now'],
      ['forktax top --sort copied', 'who copies most memory'],
      ['forktax top --by pid -n node', 'each process of Node.js by itself'],
      ['forktax top --by unit', 'each service and container'],
      ['forktax top -b -d 10s', 'one table of ten seconds'],
      ['forktax top --url http://server:19435', 'what a collector on another host sees'],
    ],
    fields: [{ title: 'Columns of top', entries: TOP_COLUMNS.map(({ title, meaning }) => [title, meaning]) }],
  });
}

function namesBy(by: 'name' | 'pid' | 'unit', source: Source): SpawnerName {
  if (by === 'name') return ({ comm }) => comm;
  if (by === 'pid') return ({ comm, id = '' }) => `${comm} ${id}`.trimEnd();
  return (row) => source.placeOf(row) ?? '?';
}
