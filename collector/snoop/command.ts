/** `forktax snoop` prints a line for each spawn as it happens. */
import { Command, InvalidArgumentError } from '@commander-js/extra-typings';
import { absentColumns } from '../model/hooks.ts';
import type { Engine } from '../model/engine.ts';
import type { EventDetail } from '../model/options.ts';
import { SpawnLines, type SpawnLine } from '../model/spawn-lines.ts';
import { LOST_FIELDS, SPAWN_FIELDS, SUMMARY_FIELDS, type Run } from './json.ts';
import { SpawnSummary } from './summary.ts';
import { parseCount, parseDuration } from '../terminal/arguments.ts';
import { standardOutput, type Output } from '../terminal/output.ts';
import { jsonView, tableView, type SnoopView } from './view.ts';
import { OUTCOME_COLUMN, SNOOP_COLUMNS } from './columns.ts';
import { isFailure } from './table.ts';
import { withManual } from '../terminal/manual.ts';
import type { SpawnerCgroups } from '../system/spawner-cgroups.ts';
import { cgroupFilter, containerOption, cgroupsFor, unitOption, type CgroupWish } from '../measuring/cgroup-filter.ts';
import { clockOf } from '../measuring/clock.ts';
import { detailOptions, tellMissingDetails } from '../measuring/details.ts';
import { stopMeasuring } from '../measuring/stop.ts';
import { callHookOption, engineOption, nameByOption, openEngine, type OpenEngine } from '../measuring/open-engine.ts';
import { chooseSpawners, followOption, nameOption, pidOption } from '../measuring/spawner-options.ts';

const ANCESTORS = 'ANCESTORS';
const CHECK_EVERY_MS = 500;

export function snoopCommand(open: OpenEngine = openEngine) {
  const columns = [...SNOOP_COLUMNS, OUTCOME_COLUMN];
  const command = new Command('snoop')
    .summary('print a line for each spawn as it happens')
    .description(
      'Prints a line for each process spawn as it happens, and a summary at the end. STALL is how long the caller stood ' +
        'still. COPY is the part of it in which the kernel copied the address space; the rest is waiting.',
    )
    .addOption(pidOption())
    .addOption(followOption())
    .addOption(nameOption())
    .addOption(unitOption())
    .addOption(containerOption())
    .option(
      '--min-stall <duration>',
      'only spawns whose caller stood still for at least this long, such as 5ms',
      parseDuration,
    )
    .option('-x, --failures', 'only failures: the spawn itself failed, or every exec of its child did')
    .option('--ancestors', 'also the names of the processes above the spawner')
    .option('--args', 'also the command lines of children, which may hold secrets')
    .option('-d, --duration <duration>', 'stop after this time, such as 30s', parseDuration)
    .option('-c, --count <lines>', 'stop after this many lines', parseCount)
    .addOption(engineOption())
    .addOption(callHookOption())
    .addOption(nameByOption())
    .option(
      '--columns <titles>',
      `print only these columns, in this order: ${columns.map(({ title }) => title).join(', ')}`,
      parseColumns,
    )
    .option('--json', 'print NDJSON')
    .action(async (options) => {
      const { filter, nameBy, shownName } = chooseSpawners(options);
      const details = detailsOf(options);
      const wanted = { filter, ...detailOptions(details), callHook: options.callHook, nameBy };
      const engine = await open(options.engine, wanted, standardOutput);
      try {
        const onlyPid = options.follow ? undefined : options.pid;
        tellMissingDetails(engine, details, standardOutput);
        const settings = { ...options, shownName, ...cgroupSettings(engine, options), ...columnsOf(options) };
        await snoop(engine, settings, standardOutput, stopMeasuring(engine, onlyPid, standardOutput));
      } finally {
        engine.close();
      }
    });
  return withManual(command, {
    examples: [
      ['forktax snoop', 'every spawn'],
      ['forktax snoop -p 1234 --follow', 'by process 1234 and its descendants'],
      ['forktax snoop -n node', 'by Node.js, also where it calls itself MainThread'],
      ['forktax snoop --unit ssh', 'by a unit of systemd, or --container ID'],
      ['forktax snoop --min-stall 5ms', 'that stalled for 5 ms or more'],
      ['forktax snoop --ancestors --args', 'on whose behalf, and with which arguments'],
      ['forktax snoop -x', 'that failed, with the error'],
      ['forktax snoop -d 10s > /dev/null', 'only the summary'],
      ['forktax snoop --json | jq .stall_ns', 'for programs'],
    ],
    fields: [
      { title: 'Columns of snoop', entries: columns.map(({ title, meaning }) => [title, meaning]) },
      { title: 'Records of snoop --json', entries: Object.entries(SPAWN_FIELDS) },
      { title: 'Record of lost events of snoop --json', entries: Object.entries(LOST_FIELDS) },
      { title: 'Last record of snoop --json', entries: Object.entries(SUMMARY_FIELDS) },
    ],
  });
}

function parseColumns(text: string): string[] {
  const titles = [...SNOOP_COLUMNS, OUTCOME_COLUMN].map(({ title }) => title);
  const wanted = text.split(',').map((title) => title.trim().toUpperCase());
  const unknown = wanted.find((title) => !titles.includes(title));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`There is no column ${unknown}. Columns are ${titles.join(',')}.`);
  return wanted;
}

interface DetailWish {
  readonly columns?: readonly string[] | undefined;
  readonly ancestors?: boolean | undefined;
  readonly args?: boolean | undefined;
}

function detailsOf({ columns, ancestors, args }: DetailWish): EventDetail[] {
  const wantsAncestors = ancestors ?? columns?.includes(ANCESTORS);
  return [...(args ? (['arguments'] as const) : []), ...(wantsAncestors ? (['ancestors'] as const) : [])];
}

/** `--ancestors` adds its column to those that were chosen. */
function columnsOf({ columns, ancestors }: DetailWish): Pick<SnoopSettings, 'columns'> {
  return { columns: columns && ancestors ? [...new Set([...columns, ANCESTORS])] : columns };
}

function cgroupSettings(engine: Engine, wish: CgroupWish): Pick<SnoopSettings, 'cgroups' | 'isWantedCgroup'> {
  const cgroups = cgroupsFor(engine, wish);
  return { ...(cgroups && { cgroups }), isWantedCgroup: cgroupFilter(wish) };
}

export interface SnoopSettings {
  /** Finds the paths of cgroups; absent where there are none to be found. */
  readonly cgroups?: Pick<SpawnerCgroups, 'pathOf'>;
  /** Only spawners in cgroups of such a path. */
  readonly isWantedCgroup?: ((path: string) => boolean) | undefined;
  readonly columns?: readonly string[] | undefined;
  readonly json?: boolean | undefined;
  /** Only spawns by this process. The engine picks them. */
  readonly pid?: number | undefined;
  readonly failures?: boolean | undefined;
  /** Only spawners that are shown by this name; absent where the engine picks them. */
  readonly shownName?: string | undefined;
  /** Nanoseconds. */
  readonly minStall?: number | undefined;
  readonly duration?: number | undefined;
  readonly count?: number | undefined;
}

/** Prints until `stop` is aborted. The engine stays open. */
export async function snoop(engine: Engine, settings: SnoopSettings, output: Output, stop: AbortSignal): Promise<void> {
  const { cgroups, columns, isWantedCgroup } = settings;
  const view = settings.json
    ? jsonView(output)
    : tableView(engine.hooks, output, {
        columns,
        hasPaths: cgroups !== undefined,
        hasAncestors: engine.details?.includes('ancestors') ?? false,
      });
  if (columns?.includes('UNIT') && !cgroups) output.talk('UNIT is not shown: a recording holds no names of cgroups\n');
  const clock = clockOf(engine);
  const startMs = clock.now();
  const printer = new Printer(view, settings);
  const lines = new SpawnLines((line) => printer.add(line), { execsSeen: !absentColumns(engine.hooks).has('exec') });
  const summary = new SpawnSummary();
  const losses = new LossWatch(engine, view);
  let checkedMs = startMs;
  const check = (): void => {
    if (losses.check()) lines.noteLoss();
    // As of the last check: if this process had to wait for a CPU, what has happened since may not have been read yet.
    lines.expire(checkedMs);
    checkedMs = clock.now();
    printer.flush();
  };

  const unsubscribe = engine.subscribe((events) => {
    for (const event of events) {
      if (settings.shownName !== undefined && event.comm !== settings.shownName) continue;
      const cgroupPath = cgroups?.pathOf(event.pid, event.cgroup);
      if (isWantedCgroup && (cgroupPath === undefined || !isWantedCgroup(cgroupPath))) continue;
      summary.add(event);
      lines.add(cgroupPath === undefined ? event : { ...event, cgroupPath }, clock.now());
    }
    if (clock.now() - checkedMs >= CHECK_EVERY_MS) check();
    else printer.flush();
  });
  const timer = setInterval(check, CHECK_EVERY_MS);
  output.talk('Tracing process spawns; Ctrl-C ends.\n');
  printer.flush();
  await clock.pause(settings.duration, AbortSignal.any([stop, printer.enough]));
  await engine.settle?.();
  clearInterval(timer);
  unsubscribe();
  check();
  lines.flush();
  printer.flush();
  view.summary(summary, { ns: (clock.now() - startMs) * 1e6, ...countsOf(engine, settings) });
}

/** Shows the lines that are wanted, and writes each batch at once. */
class Printer {
  readonly #view: SnoopView;
  readonly #settings: SnoopSettings;
  readonly #enough = new AbortController();
  #left: number;
  #batch: SpawnLine[] = [];

  constructor(view: SnoopView, settings: SnoopSettings) {
    this.#view = view;
    this.#settings = settings;
    this.#left = settings.count ?? Infinity;
  }

  /** Aborted when as many lines as were asked for are printed. */
  get enough(): AbortSignal {
    return this.#enough.signal;
  }

  add(line: SpawnLine): void {
    if (this.#left === 0 || !this.#isWanted(line)) return;
    this.#batch.push(line);
    this.#left--;
  }

  flush(): void {
    this.#view.lines(this.#batch);
    this.#batch = [];
    if (this.#left === 0) this.#enough.abort();
  }

  #isWanted(line: SpawnLine): boolean {
    const { failures, minStall } = this.#settings;
    if (failures && !isFailure(line)) return false;
    return minStall === undefined || (line.spawn.stallNs ?? 0) >= minStall;
  }
}

class LossWatch {
  readonly #engine: Engine;
  readonly #view: SnoopView;
  #known: number;

  constructor(engine: Engine, view: SnoopView) {
    this.#engine = engine;
    this.#view = view;
    this.#known = engine.snapshot().health.eventsLost;
  }

  /** Reports new losses, and returns whether there were any. */
  check(): boolean {
    const { atMs, health } = this.#engine.snapshot();
    const { eventsLost } = health;
    const lost = eventsLost - this.#known;
    this.#known = eventsLost;
    if (lost > 0) this.#view.lost(lost, atMs);
    return lost > 0;
  }
}

/** What the kernel counted of a cgroup is not known: its rows are of names. So may be those of a recording. */
function countsOf(engine: Engine, { shownName, isWantedCgroup, pid }: SnoopSettings): Omit<Run, 'ns'> {
  const { atMs: endMs, rows, health } = engine.snapshot();
  const isOfNames = pid !== undefined && engine.clock !== undefined && engine.label !== 'pid';
  if (isWantedCgroup || isOfNames) return { endMs, eventsLost: health.eventsLost };
  const wanted = rows.filter(({ comm }) => shownName === undefined || comm === shownName);
  return { endMs, eventsLost: health.eventsLost, countedSpawns: wanted.reduce((sum, { spawns }) => sum + spawns, 0) };
}
