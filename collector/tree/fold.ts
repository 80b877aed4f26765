/** Folds a tree of processes by name: processes with the same names of all ancestors become one line. */
import { basename } from 'node:path';
import { nameCommand, type NamedCommand } from './command-name.ts';
import type { TreeProcess } from '../model/process-tree.ts';

/** What the spawns of some processes cost their parents. Times are in nanoseconds. */
export interface BirthCosts {
  readonly processes: number;
  readonly stallNs: number;
  readonly copiedRssBytes: number;
  readonly failures: number;
}

export interface FoldedProcess {
  readonly name: string;
  /** The arguments that the command lines of all members go on with; absent if one is not known. */
  readonly rest?: SharedWords;
  /** The processes that are folded here. */
  readonly members: readonly TreeProcess[];
  readonly children: readonly FoldedProcess[];
  /** The costs of the members. */
  readonly own: BirthCosts;
  /** The costs of the members and of all processes below them, without those that existed before. */
  readonly total: BirthCosts;
}

interface SharedWords {
  readonly words: readonly string[];
  /** They go on, and not all in the same way, or further than the kernel reads. */
  readonly isOpen: boolean;
}

/** Gives the groups with the largest stall first. */
export function fold(processes: readonly TreeProcess[], nameOf = commandNameOf): FoldedProcess[] {
  const groups = Map.groupBy(processes, nameOf);
  return [...groups]
    .map(([name, members]) => foldGroup(name, members, nameOf))
    .toSorted((a, b) => b.total.stallNs - a.total.stallNs || b.total.processes - a.total.processes);
}

function foldGroup(name: string, members: readonly TreeProcess[], nameOf: typeof commandNameOf): FoldedProcess {
  const children = fold(
    members.flatMap((member) => member.children),
    nameOf,
  );
  const own = sum(members.map(birthOf));
  const rest = sharedWords(members);
  return {
    name,
    ...(rest && { rest }),
    members,
    children,
    own,
    total: sum([own, ...children.map(({ total }) => total)]),
  };
}

function sharedWords(members: readonly TreeProcess[]): SharedWords | undefined {
  const commands = members.map(commandOf);
  const known = commands.filter((command) => command !== undefined);
  const [first] = known;
  if (!first || known.length < commands.length) return undefined;
  const differing = first.rest.findIndex((word, i) => known.some(({ rest }) => rest[i] !== word));
  const length = differing < 0 ? first.rest.length : differing;
  const isOpen =
    known.some(({ rest }) => rest.length > length) || members.some(({ exec }) => exec?.commandLine?.cut === true);
  return { words: first.rest.slice(0, length), isOpen };
}

const commandOf = ({ exec }: TreeProcess): NamedCommand | undefined => exec?.commandLine && nameCommand(exec);

/** The program and what it is to do; without a command line, the program. */
const commandNameOf = (process: TreeProcess): string => commandOf(process)?.name ?? programOf(process);

/** The file that a process executed; in brackets the name of one that did not. One that was there before has its name. */
export function programOf({ exec, spawn, comm }: TreeProcess): string {
  if (exec) return basename(exec.file);
  return spawn ? `[${comm}]` : comm;
}

/** A process that was there before costs nothing, and is not counted. */
function birthOf({ spawn, exec, exit, parent, failures }: TreeProcess): BirthCosts {
  const isNew = spawn !== undefined || ((exec ?? exit) !== undefined && parent !== undefined);
  return {
    processes: isNew ? 1 : 0,
    stallNs: spawn?.stallNs ?? 0,
    copiedRssBytes: spawn?.copiedRssBytes ?? 0,
    failures: failures.length,
  };
}

export function sum(costs: readonly BirthCosts[]): BirthCosts {
  const add = (field: keyof BirthCosts): number => costs.reduce((total, each) => total + each[field], 0);
  return {
    processes: add('processes'),
    stallNs: add('stallNs'),
    copiedRssBytes: add('copiedRssBytes'),
    failures: add('failures'),
  };
}

/** Gives the group below these whose own spawns cost most, with the names on the way to it. */
export function hottest(groups: readonly FoldedProcess[], path: readonly string[] = []): HotGroup | undefined {
  let best: HotGroup | undefined;
  for (const group of groups) {
    const below = hottest(group.children, [...path, group.name]);
    for (const each of [{ group, path }, below])
      if (each && each.group.own.stallNs > (best?.group.own.stallNs ?? 0)) best = each;
  }
  return best;
}

export interface HotGroup {
  readonly group: FoldedProcess;
  readonly path: readonly string[];
}
