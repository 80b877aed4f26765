/** `forktax hist` prints histograms from the kernel's table of costs, which loses nothing. */
import { Command, Option } from '@commander-js/extra-typings';
import { absentColumns } from '../model/hooks.ts';
import type { Engine } from '../model/engine.ts';
import { type Histogram, histogramCount } from '../model/histogram.ts';
import { ForktaxError } from '../model/errors.ts';
import { FIGURES, FIGURE_NAMES, GROUPINGS, groupOf, type Grouping } from '../model/figures.ts';
import { formatCount } from '../terminal/format.ts';
import { HISTOGRAM_FIELDS, histogramRecord } from './json.ts';
import { rowsSince, sumBy, type CostRow } from '../model/rows.ts';
import { parseCount, parseInterval } from '../terminal/arguments.ts';
import { renderHistogram } from '../terminal/histogram.ts';
import { withManual } from '../terminal/manual.ts';
import { standardOutput, type Output } from '../terminal/output.ts';
import { clockOf } from '../measuring/clock.ts';
import { clock as clockText, printable } from '../terminal/text.ts';
import { cgroupFilter, cgroupsFor, containerOption, unitOption } from '../measuring/cgroup-filter.ts';
import type { SpawnerCgroups } from '../system/spawner-cgroups.ts';
import { stopMeasuring } from '../measuring/stop.ts';
import { callHookOption, engineOption, nameByOption, openEngine, type OpenEngine } from '../measuring/open-engine.ts';
import { chooseSpawners, nameOption, pidOption } from '../measuring/spawner-options.ts';

export function histCommand(open: OpenEngine = openEngine) {
  const command = new Command('hist')
    .summary('print histograms of stalls, copied memory and delays')
    .description('Prints histograms of what process spawns cost: one at the end, or one for each interval.')
    .argument('[interval]', 'seconds, or a duration such as 500ms', parseInterval)
    .argument('[count]', 'how many intervals to print', parseCount)
    .addOption(
      new Option('--of <figure>', 'what to show (the man page explains each)').choices(FIGURE_NAMES).default('stall'),
    )
    .addOption(new Option('--by <group>', 'print one histogram for each').choices(GROUPINGS).default('mechanism'))
    .option(
      '--top <groups>',
      'how many groups to show at most: those with the largest sums, the largest last',
      parseCount,
      20,
    )
    .addOption(pidOption())
    .addOption(nameOption())
    .addOption(unitOption())
    .addOption(containerOption())
    .option('-T, --timestamp', 'print the time before each output')
    .addOption(engineOption())
    .addOption(callHookOption())
    .addOption(nameByOption())
    .option('--json', 'print NDJSON')
    .action(async (interval, count, options) => {
      const { filter, nameBy } = chooseSpawners(options);
      const isWantedCgroup = cgroupFilter(options);
      const label = isWantedCgroup ? 'cgroup' : 'none';
      const wanted = { filter, label, callHook: options.callHook, nameBy } as const;
      const engine = await open(options.engine, wanted, standardOutput);
      try {
        const cgroups = isWantedCgroup && cgroupsFor(engine, options);
        const settings = {
          ...options,
          interval,
          count,
          ...(cgroups && { wants: wantedRows(cgroups, isWantedCgroup) }),
        };
        await hist(engine, settings, standardOutput, stopMeasuring(engine, options.pid, standardOutput));
      } finally {
        engine.close();
      }
    });
  return withManual(command, {
    examples: [
      ['forktax hist', 'stalls by mechanism, until Ctrl-C'],
      ['forktax hist 5 -T', 'stalls of every five seconds, with the time'],
      ['forktax hist 1 10 --by spawner', 'ten times, one histogram for each spawner'],
      ['forktax hist --of rss -p 1234', 'how much memory the forks of process 1234 copy'],
      ['forktax hist 10 1 --of exec-delay --json', 'exec delays of ten seconds, for programs'],
    ],
    fields: [
      { title: 'Figures of hist', entries: FIGURE_NAMES.map((name) => [name, FIGURES[name].meaning]) },
      { title: 'Records of hist --json', entries: Object.entries(HISTOGRAM_FIELDS) },
    ],
  });
}

/** Rows have the ids of cgroups here. Folded rows have none, and a cgroup that is gone has no path any more. */
function wantedRows(cgroups: SpawnerCgroups, isWanted: (path: string) => boolean) {
  return ({ id }: CostRow): boolean | undefined => {
    const path = id === undefined ? undefined : cgroups.pathOfId(id);
    return path === undefined ? undefined : isWanted(path);
  };
}

export interface HistSettings {
  /** Whether a row is shown; undefined where nobody can tell. Without it, all rows are shown. */
  readonly wants?: (row: CostRow) => boolean | undefined;
  readonly of: (typeof FIGURE_NAMES)[number];
  readonly by: Grouping;
  readonly top: number;
  readonly timestamp?: boolean | undefined;
  readonly json?: boolean | undefined;
  /** Nanoseconds. If absent, one histogram is printed at the end. */
  readonly interval?: number | undefined;
  readonly count?: number | undefined;
}

/** Prints until `stop` is aborted or `count` intervals are printed. The engine stays open. */
export async function hist(engine: Engine, settings: HistSettings, output: Output, stop: AbortSignal): Promise<void> {
  const absences = absentColumns(engine.hooks);
  const absent = FIGURES[settings.of].needs.map((group) => absences.get(group)).find((reason) => reason !== undefined);
  if (absent !== undefined)
    throw new ForktaxError('FORKTAX_NO_HOOK', `${settings.of} cannot be measured here: ${absent}`);
  let before = engine.snapshot().rows;
  output.talk('Measuring process spawns; Ctrl-C ends.\n');
  const clock = clockOf(engine);
  for (let left = settings.count ?? Infinity; left > 0 && !stop.aborted && !clock.ended; left--) {
    await clock.pause(settings.interval, stop);
    await engine.settle?.();
    const { rows, atMs } = engine.snapshot();
    const { shown, unknownSpawns } = chosen(rowsSince(rows, before), settings);
    print(groupsOf(shown, settings), atMs, settings, output);
    if (unknownSpawns > 0)
      output.talk(
        `${formatCount(unknownSpawns)} spawns are left out, because their cgroup is gone or they had no row of their own\n`,
      );
    before = rows;
  }
}

function chosen(rows: readonly CostRow[], { wants = () => true }: HistSettings) {
  const unknown = rows.filter((row) => wants(row) === undefined);
  return {
    shown: rows.filter((row) => wants(row) === true),
    unknownSpawns: unknown.reduce((sum, { spawns }) => sum + spawns, 0),
  };
}

type Groups = readonly (readonly [name: string, histogram: Histogram])[];

/** Gives the groups that have values. The largest sum comes last, next to the prompt. */
function groupsOf(rows: Parameters<typeof sumBy>[0], { of, by }: HistSettings): Groups {
  return [...sumBy(rows, (row) => groupOf(by, row))]
    .map(([name, costs]) => [name, FIGURES[of].of(costs)] as const)
    .filter(([, histogram]) => histogramCount(histogram) > 0)
    .toSorted(([, a], [, b]) => a.sum - b.sum);
}

function print(groups: Groups, atMs: number, settings: HistSettings, output: Output): void {
  const { of, by, top, timestamp, json } = settings;
  const figure = FIGURES[of];
  const shown = groups.slice(-top);
  if (json) {
    const records = shown.map(([name, histogram]) => histogramRecord(histogram, { atMs, of, figure, by, name }));
    output.data(records.map((record) => `${JSON.stringify(record)}\n`).join(''));
    return;
  }
  const blocks = shown.map(([name, histogram]) => {
    return `\n${output.style('bold', `${by} = ${printable(name)}`)}\n${renderHistogram(histogram, figure)}`;
  });
  const hidden = groups.length - shown.length;
  const more = hidden > 0 ? `\nsmaller groups that are not shown: ${formatCount(hidden)}; --top shows more\n` : '';
  const nothing = groups.length === 0 ? '\nno spawns\n' : '';
  output.data(`${timestamp ? `\n${clockText(atMs)}` : ''}${more}${nothing}${blocks.join('')}`);
}
