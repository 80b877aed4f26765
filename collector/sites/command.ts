/** `forktax sites` shows which code spawns: the call stacks behind the spawns, with what those cost. */
import { Command, InvalidArgumentError, Option } from '@commander-js/extra-typings';
import { cgroupFilter, cgroupsFor, containerOption, unitOption } from '../measuring/cgroup-filter.ts';
import { EVENT_RING_BYTES } from '../measuring/event-ring.ts';
import { measure } from '../measuring/measure.ts';
import { callHookOption, nameByOption, openEngine, type OpenEngine } from '../measuring/open-engine.ts';
import { chooseSpawners, followOption, nameOption, pidOption } from '../measuring/spawner-options.ts';
import { ForktaxError } from '../model/errors.ts';
import { DEFAULT_ENGINE_OPTIONS, DEFAULT_STACK_OPTIONS } from '../model/options.ts';
import { ScriptSites } from '../system/script-sites.ts';
import { openUnwinder, type Unwinder } from '../system/unwinder.ts';
import { parseCount, parseDuration, parseSize } from '../terminal/arguments.ts';
import { withManual } from '../terminal/manual.ts';
import { standardOutput, type Output } from '../terminal/output.ts';
import type { Collected } from '../profile/collect.ts';
import { SITE_FIELDS, SITES_SUMMARY_FIELDS } from '../profile/sites-json.ts';
import { SITE_COLUMNS } from './sites-text.ts';
import { WEIGHT_NAMES, type Weight } from '../profile/weights.ts';

const KIB = 1024;
const LEAST_STACK_BYTES = 4 * KIB;
const MOST_STACK_BYTES = 64 * KIB;

/** `unwinderOf` gives none where `open` opens a recording, whose stacks were unwound. */
export function sitesCommand(open: OpenEngine = openEngine, unwinderOf: () => Unwinder | undefined = openUnwinder) {
  const command = new Command('sites')
    .summary('show which code spawns, by call stack, and what that costs')
    .description(
      'Runs a command, or watches a process or the whole host, and shows the call stacks that spawned, with count, stall, ' +
        'copied memory, and the stall that afork would have saved. Stacks are unwound with the unwind information of programs ' +
        'and libraries, so they need neither frame pointers nor a restart.',
    )
    .usage('[options] [-- <command> [arguments...]]')
    .argument('[command...]', 'a program and its arguments')
    .addOption(pidOption())
    .addOption(followOption())
    .addOption(nameOption())
    .addOption(unitOption())
    .addOption(containerOption())
    .option('-d, --duration <duration>', 'stop after this time, such as 30s', parseDuration)
    .option('-o, --output <file>', 'write to this file instead of standard output')
    .addOption(
      new Option('--folded', 'print a line for each stack, for flamegraph.pl and speedscope').conflicts([
        'pprof',
        'json',
      ]),
    )
    .addOption(new Option('--pprof', 'write a profile for `go tool pprof`, gzipped').conflicts(['json']))
    .option('--json', 'print NDJSON, a record for each call site')
    .addOption(
      new Option('--weight <weight>', 'with --folded: what the lines count, in nanoseconds or bytes')
        .choices(WEIGHT_NAMES)
        .default('stall' satisfies Weight as Weight),
    )
    .option('--top <sites>', 'show at most so many call sites', parseCount, 20)
    .addOption(new Option('--frames <frames>', 'show at most so many frames of each').argParser(parseFrames).default(6))
    .addOption(
      new Option('--stack-bytes <size>', 'copy at most so much of each stack: a multiple of 4K up to 64K')
        .argParser(parseStackBytes)
        .default(DEFAULT_STACK_OPTIONS.bytes, `${DEFAULT_STACK_OPTIONS.bytes / KIB}K`),
    )
    .option(
      '--stacks-per-second <count>',
      'copy at most so many stacks in a second',
      parseCount,
      DEFAULT_STACK_OPTIONS.perSecond,
    )
    .option('--no-scripts', "do not ask Node.js programs for their lines: leave a command's NODE_OPTIONS as they are")
    .addOption(callHookOption())
    .addOption(nameByOption())
    .passThroughOptions()
    .action(async (words, options) => {
      const { pid, stackBytes: bytes, stacksPerSecond: perSecond, callHook } = options;
      const { filter, nameBy, shownName } = chooseSpawners(options, { hasCommand: words.length > 0 });
      if (options.pprof && options.output === undefined && process.stdout.isTTY)
        throw new ForktaxError('FORKTAX_USAGE', 'a profile is no text: give a file with --output');
      const { collect } = await import('../profile/collect.ts');
      const unwinder = unwinderOf();
      if (!unwinder && words.length > 0)
        throw new ForktaxError('FORKTAX_USAGE', 'a recording has been made already: no command can be run for it');
      let scripts: ScriptSites | undefined;
      try {
        const listenTo = (who: 'command' | 'host') => (scripts = options.scripts ? listen(who) : undefined);
        // A command does not inherit what is opened then.
        const variables = () => listenTo('command')?.variables(process.env);
        if (unwinder && words.length === 0) listenTo('host');
        const wanted = { filter, callHook, nameBy, ringBytes: EVENT_RING_BYTES, stacks: { bytes, perSecond } };
        const ready = unwinder?.ready();
        const subject = { words, pid, variables, engine: 'core', options: wanted, ready } as const;
        await measure(open, subject, async (engine, end, own) => {
          if (!engine.subscribeStacks && !engine.subscribeUnwound)
            throw new ForktaxError('FORKTAX_RECORDING', 'this recording holds no call stacks; record with --stacks');
          const isWantedCgroup = cgroupFilter(options);
          const cgroups = isWantedCgroup && cgroupsFor(engine, options);
          const settings = {
            duration: options.duration,
            aforkCostNs: DEFAULT_ENGINE_OPTIONS.aforkCostNs,
            scripts,
            shownName,
            isWanted: (spawner: number, cgroup: string): boolean => {
              const path = cgroups?.pathOf(spawner, cgroup);
              return !isWantedCgroup || (path !== undefined && isWantedCgroup(path));
            },
          };
          const collecting = collect(engine, unwinder, settings, end);
          if (!own && unwinder) standardOutput.talk('Watching process spawns and their call stacks; Ctrl-C ends.\n');
          await show(await collecting, options);
        });
      } finally {
        unwinder?.close();
        scripts?.close();
      }
    });
  return withManual(command, {
    examples: [
      ['forktax sites -p 1234 -d 30s', 'the code of a process that spawns'],
      ['forktax sites -- npm test', 'that of a command and its descendants'],
      ['forktax sites --unit ssh -d 1m', 'that of a unit of systemd'],
      ['forktax sites -d 30s --pprof -o spawns.pb.gz', 'for go tool pprof -http: spawns.pb.gz'],
      ['forktax sites -d 30s --folded | flamegraph.pl > spawns.svg', 'a flame graph'],
    ],
    fields: [
      { title: 'Columns of sites', entries: SITE_COLUMNS.map(({ title, meaning }) => [title, meaning]) },
      { title: 'Records of sites --json', entries: Object.entries(SITE_FIELDS) },
      { title: 'Last record of sites --json', entries: Object.entries(SITES_SUMMARY_FIELDS) },
    ],
  });
}

/** Without scripts, all else is measured. */
function listen(who: 'command' | 'host'): ScriptSites | undefined {
  try {
    return ScriptSites.open(who);
  } catch (error) {
    if (!(error instanceof ForktaxError) || error.code !== 'FORKTAX_SCRIPT_SITES') throw error;
    standardOutput.talk(`Lines of scripts are not shown: ${error.message}\n`);
    return undefined;
  }
}

function parseStackBytes(text: string): number {
  const bytes = parseSize(text);
  if (bytes % LEAST_STACK_BYTES !== 0 || bytes > MOST_STACK_BYTES)
    throw new InvalidArgumentError('Give a multiple of 4K up to 64K.');
  return bytes;
}

const parseFrames = (text: string): number => (text === 'all' ? Infinity : parseCount(text));

interface ShowOptions {
  readonly folded?: true | undefined;
  readonly pprof?: true | undefined;
  readonly json?: true | undefined;
  readonly weight: Weight;
  readonly output?: string | undefined;
  readonly top: number;
  readonly frames: number;
  readonly stacksPerSecond: number;
}

async function show(collected: Collected, options: ShowOptions): Promise<void> {
  const { sitesSummary } = await import('./sites-text.ts');
  const summary = sitesSummary(collected, options.stacksPerSecond);
  const content = await contentOf(collected, options, summary);
  if (options.output !== undefined) {
    const { writeWhole } = await import('./write.ts');
    writeWhole(options.output, content);
  } else if (typeof content === 'string') standardOutput.data(content);
  else process.stdout.write(content);
  for (const sentence of summary) standardOutput.talk(`${sentence}\n`);
}

async function contentOf(
  collected: Collected,
  options: ShowOptions,
  summary: readonly string[],
): Promise<string | Buffer> {
  const { sites } = collected;
  if (options.folded) return (await import('../profile/folded.ts')).folded(sites, options.weight);
  if (options.pprof) return (await import('./pprof.ts')).pprof(sites, collected, summary);
  if (options.json) {
    const { siteRecords } = await import('../profile/sites-json.ts');
    return [...siteRecords(collected)].map((record) => `${JSON.stringify(record)}\n`).join('');
  }
  const { sitesText } = await import('./sites-text.ts');
  return sitesText(sites, options, options.output === undefined ? standardOutput : PLAIN);
}

/** A file has no width, and no colours. */
const PLAIN: Output = { data() {}, talk() {}, progress() {}, width: Infinity, style: (_format, text) => text };
