import type { ColumnGroup } from '../model/columns.ts';
import { placeName } from '../model/cgroup-identity.ts';
import { errnoName } from '../system/errno.ts';
import { formatBytes, formatDuration } from '../terminal/format.ts';
import type { SpawnLine } from '../model/spawn-lines.ts';
import type { Column } from '../terminal/table.ts';
import { clock, cutEnd, cutStart, printable } from '../terminal/text.ts';
import { joinWords } from '../terminal/words.ts';
import type { CommandLine } from '../model/events.ts';

export interface SnoopColumn extends Column<SpawnLine> {
  readonly meaning: string;
  /** The column is left out if no attached hook feeds this group. */
  readonly needs?: ColumnGroup | 'cgroupPaths' | 'ancestors';
}

const ANCESTORS_WIDTH = 30;

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
    meaning: 'name of the spawner: its own, or that of its executable as --name-by says',
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
    title: 'UNIT',
    meaning:
      "the spawner's container (the first digits of its id) or service or scope of systemd. `-': neither. `?': its " +
      'cgroup cannot be found any more',
    needs: 'cgroupPaths',
    width: 16,
    align: 'left',
    cell: ({ spawn }) => cutEnd(printable(placeText(spawn)), 16),
    dropOrder: 8,
  },
  {
    title: 'MECH',
    meaning:
      'mechanism: fork (the child gets a copy of the memory), vfork (the child shares the memory and the caller waits; ' +
      'also posix_spawn, popen and system) or afork (the child shares the memory and the caller does not wait)',
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
    meaning:
      'the part of STALL until the child exists, in which the kernel copies the address space; the rest is waiting',
    needs: 'stall',
    width: 6,
    align: 'right',
    cell: ({ spawn }) => duration(spawn.kind === 'spawn' ? spawn.copyNs : undefined),
    dropOrder: 4,
  },
  {
    title: 'SIBL',
    meaning:
      "siblings: how long the spawner's other threads waited for its memory map during the call, in sum; only a fork " +
      'makes them wait',
    needs: 'siblings',
    width: 6,
    align: 'right',
    cell: ({ spawn }) => siblingWait(spawn),
    dropOrder: 9,
  },
  {
    title: 'RSS',
    meaning: "copied RSS: resident memory of the child when it starts; none if it shares its parent's memory",
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
    meaning: 'exec delay: time from the start of the child to its successful exec',
    needs: 'exec',
    width: 6,
    align: 'right',
    cell: ({ exec }) => duration(exec?.delayNs),
    dropOrder: 3,
  },
  {
    title: 'ANCESTORS',
    meaning: 'the parent of the spawner, its parent, and so on, up to twelve; only with --ancestors',
    needs: 'ancestors',
    width: ANCESTORS_WIDTH,
    align: 'left',
    cell: ({ spawn }) => ancestorsText(spawn, ANCESTORS_WIDTH),
  },
];

/** Gives the names, the parent of the spawner first. */
function ancestorsText({ ancestry }: SpawnLine['spawn'], width: number): string {
  if (!ancestry) return '-';
  const names = ancestry.chain.map(({ comm }) => printable(comm));
  return cutEnd([...names, ...(ancestry.cut ? ['…'] : [])].join(' ← '), width);
}

const placeText = ({ cgroupPath }: SpawnLine['spawn']): string =>
  cgroupPath === undefined ? '?' : placeName(cgroupPath);

/** The last column takes the rest of the line. */
export const OUTCOME_COLUMN = {
  title: 'EXEC',
  meaning:
    'the file that the child executed, with --args its command line, or the error of its last attempt, or the error of the call. ' +
    "`no exec': the child ended without one. `no exec yet': after a second it had neither called exec nor ended. " +
    "`?': events were lost",
} as const;

/** A path gets this many characters before anything else about it is shown. */
const FILE_WIDTH = 12;

export function outcomeText(line: SpawnLine, width: number): string {
  const { spawn, outcome, exec, exit, lastFailure, failedExecs } = line;
  if (spawn.kind === 'spawn-failure') return `call failed: ${errnoName(spawn.errno)}`;
  const errno = lastFailure ? errnoName(lastFailure.errno) : '';
  const tried = failedExecs > 0 ? ` after ${failedExecs} ${errno}` : '';
  if (exec?.commandLine) return `${commandLineText(exec.commandLine, width - tried.length)}${tried}`;
  if (exec) return around('', exec.file, tried, width);
  if (outcome === 'exec-failed') return around(`${errno} `, lastFailure?.file ?? '', tries(failedExecs), width);
  if (outcome === 'no-exec') return `no exec, status ${exit?.status}`;
  return outcome === 'running' ? 'no exec yet' : '?';
}

function commandLineText({ words, cut }: CommandLine, width: number): string {
  return cutEnd(printable(`${joinWords(words)}${cut ? ' …' : ''}`), width);
}

function tries(count: number): string {
  return count > 1 ? ` in ${count} tries` : '';
}

function around(before: string, file: string, after: string, width: number): string {
  const room = width - before.length - after.length;
  if (room < FILE_WIDTH) return `${before}${cutStart(printable(file), width - before.length)}`;
  return `${before}${cutStart(printable(file), room)}${after}`;
}

function siblingWait(spawn: SpawnLine['spawn']): string {
  const ns = spawn.kind === 'spawn' ? spawn.siblingWaitNs : undefined;
  return duration(ns === 0 ? undefined : ns);
}

function duration(ns: number | undefined): string {
  return ns === undefined ? '-' : formatDuration(ns);
}
