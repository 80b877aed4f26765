import type { ColumnGroup } from '../model/columns.ts';
import { errnoName } from '../system/errno.ts';
import { formatBytes, formatDuration } from '../terminal/format.ts';
import type { SpawnLine } from '../model/spawn-lines.ts';
import type { Column } from '../terminal/table.ts';
import { clock, cutStart, printable } from '../terminal/text.ts';

export interface SnoopColumn extends Column<SpawnLine> {
  readonly meaning: string;
  /** Left out where no hook feeds this. */
  readonly needs?: ColumnGroup;
}

export const SNOOP_COLUMNS: readonly SnoopColumn[] = [
  {
    title: 'TIME',
    meaning: 'when the call returned, in local time',
    width: 12,
    align: 'left',
    cell: ({ spawn }) => clock(spawn.atMs),
    dropOrder: 5,
  },
  {
    title: 'COMM',
    meaning: 'name of the spawner: of its first thread',
    width: 15,
    align: 'left',
    cell: ({ spawn }) => printable(spawn.comm),
  },
  {
    title: 'PID',
    meaning: 'process id of the spawner',
    width: 7,
    align: 'right',
    cell: ({ spawn }) => `${spawn.pid}`,
    dropOrder: 1,
  },
  {
    title: 'MECH',
    meaning:
      'mechanism: fork (a copy of the memory map), vfork (it is shared and the caller waits; also posix_spawn, popen ' +
      'and system) or afork (it is shared and the caller does not wait)',
    width: 5,
    align: 'left',
    cell: ({ spawn }) => spawn.mechanism,
  },
  {
    title: 'CALL',
    meaning: 'system call: fork, vfork, clone or clone3',
    needs: 'stall',
    width: 6,
    align: 'left',
    cell: ({ spawn }) => (spawn.syscall === 'unknown' ? '-' : spawn.syscall),
    dropOrder: 7,
  },
  {
    title: 'STALL',
    meaning: 'how long the caller stood still in the call',
    needs: 'stall',
    width: 6,
    align: 'right',
    cell: ({ spawn }) => duration(spawn.stallNs),
  },
  {
    title: 'COPY',
    meaning: 'the part of it up to the birth of the child, in which the kernel copies the memory map',
    needs: 'stall',
    width: 6,
    align: 'right',
    cell: ({ spawn }) => duration(spawn.kind === 'spawn' ? spawn.copyNs : undefined),
    dropOrder: 4,
  },
  {
    title: 'RSS',
    meaning: 'copied RSS: resident memory that the child was born with; none if it shares that of its parent',
    width: 7,
    align: 'right',
    cell: ({ spawn }) => (spawn.kind === 'spawn' && spawn.copiedRssBytes > 0 ? formatBytes(spawn.copiedRssBytes) : '-'),
    dropOrder: 2,
  },
  {
    title: 'CHILD',
    meaning: 'process id of the child',
    width: 7,
    align: 'right',
    cell: ({ spawn }) => (spawn.kind === 'spawn' ? `${spawn.child}` : '-'),
    dropOrder: 6,
  },
  {
    title: 'DELAY',
    meaning: 'exec delay: from the birth of the child to its exec',
    needs: 'exec',
    width: 6,
    align: 'right',
    cell: ({ exec }) => duration(exec?.delayNs),
    dropOrder: 3,
  },
];

/** The last column, as wide as there is room. */
export const OUTCOME_COLUMN = {
  title: 'EXEC',
  meaning:
    "what the child exec'd; or the error of the last exec that it tried, or of the call. `no exec': it ended without. " +
    "`no exec yet': it had neither exec'd nor ended a second later. `?': events were lost",
} as const;

/** Of a path so much is shown before anything is told of it. */
const FILE_WIDTH = 12;

export function outcomeText(line: SpawnLine, width: number): string {
  const { spawn, outcome, exec, exit, lastFailure, failedExecs } = line;
  if (spawn.kind === 'spawn-failure') return `call failed: ${errnoName(spawn.errno)}`;
  const errno = lastFailure ? errnoName(lastFailure.errno) : '';
  if (exec) return around('', exec.file, failedExecs > 0 ? ` after ${failedExecs} ${errno}` : '', width);
  if (outcome === 'exec-failed') return around(`${errno} `, lastFailure?.file ?? '', tries(failedExecs), width);
  if (outcome === 'no-exec') return `no exec, status ${exit?.status}`;
  return outcome === 'running' ? 'no exec yet' : '?';
}

function tries(count: number): string {
  return count > 1 ? ` in ${count} tries` : '';
}

function around(before: string, file: string, after: string, width: number): string {
  const room = width - before.length - after.length;
  if (room < FILE_WIDTH) return `${before}${cutStart(printable(file), width - before.length)}`;
  return `${before}${cutStart(printable(file), room)}${after}`;
}

function duration(ns: number | undefined): string {
  return ns === undefined ? '-' : formatDuration(ns);
}
