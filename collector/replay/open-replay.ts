/** Opens a recording as the engine of a command, with the command's own filter. */
import type { OpenEngine } from '../measuring/open-engine.ts';
import type { Engine } from '../model/engine.ts';
import { ForktaxError } from '../model/errors.ts';
import type { EngineEvent } from '../model/events.ts';
import { missedColumns } from '../model/hooks.ts';
import type { EngineOptions } from '../model/options.ts';
import type { CostRow } from '../model/rows.ts';
import { openRecording, type RecordingReader } from '../recording/reader.ts';
import { openReplayEngine } from '../recording/replay-engine.ts';
import { COLUMN_NAMES } from '../terminal/column-names.ts';
import type { Output } from '../terminal/output.ts';
import { clock, printable } from '../terminal/text.ts';

export interface ReplaySettings {
  readonly path: string;
  readonly speed: number;
  /** The command shows single spawns, and needs no costs of their spawners. */
  readonly eventsOnly: boolean;
  /** The time of day to begin at: that of the first such moment in the recording. */
  readonly at?: TimeOfDay | undefined;
}

/** Seconds since midnight, in local time. */
export type TimeOfDay = number;

/** Gives what commands open instead of an engine of this host. It says where the recording is from, and how it ends. */
export function openerOf({ path, speed, at, eventsOnly }: ReplaySettings): OpenEngine {
  return async (_choice, { filter = {}, timesCowFaults }, output) => {
    const reader = openRecording(path);
    const { header } = reader;
    const isOfProcess = filter.pid === undefined || header.label === 'pid';
    if (!isOfProcess && !eventsOnly) {
      reader.close();
      const message =
        'this recording holds no costs by process, so --pid can be used only by snoop, tree and export, which show ' +
        'single spawns; record with --label pid';
      throw new ForktaxError('FORKTAX_RECORDING', message);
    }
    output.talk(
      `Replaying ${clock(header.startedMs)} ${printable(header.host)}, Linux ${printable(header.kernel)}, ` +
        `forktax ${printable(header.version)}\n`,
    );
    const fromMs = at === undefined ? undefined : momentOf(at, header.startedMs);
    const engine = openReplayEngine(reader, {
      speed,
      fromMs,
      timesCowFaults,
      ...filterOf(filter),
      ...(!isOfProcess && { wantsRow: () => false }),
    });
    for (const [column, reason] of missedColumns(engine.hooks))
      output.talk(`${COLUMN_NAMES[column]} could not be measured: ${printable(reason)}\n`);
    return sayingItsEnd(engine, reader, path, output);
  };
}

function momentOf(secondsOfDay: TimeOfDay, startedMs: number): number {
  const midnight = new Date(startedMs).setHours(0, 0, 0, 0);
  const moment = midnight + secondsOfDay * 1000;
  return moment >= startedMs ? moment : moment + 86_400_000;
}

/** The names of a recording are those that it was made with, so a name is compared with them. */
function filterOf({ comm, pid, follow = false, cgroup }: EngineOptions['filter']) {
  const pids = new Set(pid === undefined ? [] : [pid]);
  const isWantedPid = (one: number): boolean => pid === undefined || pids.has(one);
  return {
    wants(event: EngineEvent): boolean {
      const isWanted = isWantedPid(event.pid) && (comm === undefined || event.comm === comm);
      if (isWanted && follow && 'child' in event) pids.add(event.child);
      return isWanted && (cgroup === undefined || event.cgroup === cgroup);
    },
    wantsRow: (row: CostRow): boolean => isWantedPid(Number(row.id)) && (comm === undefined || row.comm === comm),
  };
}

const ENDINGS = {
  end: undefined,
  'cut-off': 'is cut off: what its last second held is missing, as after a recorder that was killed',
  damaged: 'is damaged: what follows the last good part is missing',
} as const;

function sayingItsEnd(engine: Engine, reader: RecordingReader, path: string, output: Output): Engine {
  const close = engine.close.bind(engine);
  let isClosed = false;
  engine.close = () => {
    const ending = reader.ending && ENDINGS[reader.ending];
    if (!isClosed && ending) output.talk(`${path} ${ending}\n`);
    if (!isClosed && reader.unreadable > 0)
      output.talk(`${path} has ${reader.unreadable} lines that are not readable\n`);
    isClosed = true;
    close();
  };
  return engine;
}
