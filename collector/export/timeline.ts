/** What a timeline shows of a tree of processes: slices on tracks, arrows from spawner to child, and counters. */
import { basename } from 'node:path';
import type { SpawnEvent, SpawnFailureEvent } from '../model/events.ts';
import type { TreeProcess } from '../model/process-tree.ts';
import { errnoName } from '../system/errno.ts';

/** All times are microseconds since the epoch. */
export interface Slice {
  readonly name: string;
  readonly startUs: number;
  readonly endUs: number;
  readonly details?: Readonly<Record<string, string | number>>;
  /** An arrow begins at one slice and ends at the other that has the same number. */
  readonly arrowFrom?: number;
  readonly arrowTo?: number;
  readonly inner: readonly Slice[];
}

/** A thread that spawns, or the life of a process. Slices on one track do not overlap, but may be in each other. */
interface Track {
  readonly name: string;
  readonly tid: number;
  readonly slices: readonly Slice[];
}

export interface ProcessTracks {
  readonly pid: number;
  readonly name: string;
  readonly tracks: readonly Track[];
}

export interface Counter {
  readonly name: string;
  readonly unit: 'ns' | 'bytes';
  readonly points: readonly (readonly [atUs: number, value: number])[];
}

export interface Timeline {
  readonly processes: readonly ProcessTracks[];
  readonly counters: readonly Counter[];
}

const US_PER_MS = 1000;
const NS_PER_US = 1000;
const COUNTER_EVERY_US = 100_000;

/** `endMs`: when what has not ended by then is cut. */
export function timelineOf(roots: readonly TreeProcess[], endMs: number): Timeline {
  const all = roots.flatMap(withDescendants);
  const arrows = new Map(all.map((process, index) => [process, index + 1]));
  return {
    processes: all.map((process) => ({
      pid: process.pid,
      name: nameOf(process),
      tracks: [...lifeOf(process, endMs * US_PER_MS, arrows), ...threadsOf(process, arrows)],
    })),
    counters: countersOf(all.flatMap(({ spawn }) => spawn ?? [])),
  };
}

function withDescendants(process: TreeProcess): TreeProcess[] {
  return [process, ...process.children.flatMap(withDescendants)];
}

const nameOf = ({ exec, comm }: TreeProcess): string => (exec ? basename(exec.file) : comm);

/** When the child began to exist: the copy ends then. */
function birthUs({ spawn, exec, exit }: TreeProcess): number | undefined {
  if (spawn) return startUs(spawn) + (spawn.copyNs ?? spawn.stallNs ?? 0) / NS_PER_US;
  if (exec) return exec.atMs * US_PER_MS - exec.delayNs / NS_PER_US;
  return exit && exit.atMs * US_PER_MS - exit.lifetimeNs / NS_PER_US;
}

const startUs = ({ atMs, stallNs = 0 }: SpawnEvent | SpawnFailureEvent): number =>
  atMs * US_PER_MS - stallNs / NS_PER_US;

function lifeOf(process: TreeProcess, lastUs: number, arrows: ReadonlyMap<TreeProcess, number>): Track[] {
  const start = birthUs(process);
  if (start === undefined) return [];
  const { pid, exec, exit, spawn } = process;
  const end = Math.max(start, exit ? exit.atMs * US_PER_MS : lastUs);
  const execUs = exec && Math.min(end, exec.atMs * US_PER_MS);
  const waiting = execUs === undefined ? [] : [{ name: 'until exec', startUs: start, endUs: execUs, inner: [] }];
  const arrow = spawn && arrows.get(process);
  const life: Slice = {
    name: nameOf(process),
    startUs: start,
    endUs: end,
    details: {
      ...(exec && { file: exec.file }),
      ...(exit ? { exit_status: exit.status } : { still_running: 'yes' }),
    },
    ...(arrow !== undefined && { arrowTo: arrow }),
    inner: waiting,
  };
  return [{ name: 'life', tid: pid, slices: [life] }];
}

/** A track for each thread that spawned. It has a number of its own, because the life of the process has the leader's. */
function threadsOf(process: TreeProcess, arrows: ReadonlyMap<TreeProcess, number>): Track[] {
  const spawns = process.children.flatMap((child) =>
    child.spawn ? [{ tid: child.spawn.tid, slice: spawnSlice(child.spawn, arrows.get(child)) }] : [],
  );
  const failures = process.failures.map((failure) => ({ tid: failure.tid, slice: failureSlice(failure) }));
  return [...Map.groupBy([...spawns, ...failures], ({ tid }) => tid)].map(([tid, all]) => ({
    name: `spawns of thread ${tid}`,
    tid,
    slices: all.map(({ slice }) => slice).toSorted((a, b) => a.startUs - b.startUs),
  }));
}

function spawnSlice(spawn: SpawnEvent, arrow: number | undefined): Slice {
  const start = startUs(spawn);
  const end = spawn.atMs * US_PER_MS;
  const copied = Math.min(end, start + (spawn.copyNs ?? 0) / NS_PER_US);
  const parts =
    spawn.copyNs === undefined
      ? []
      : [
          { name: 'copy', startUs: start, endUs: copied, inner: [] },
          { name: 'wait', startUs: copied, endUs: end, inner: [] },
        ];
  return {
    name: spawn.mechanism,
    startUs: start,
    endUs: end,
    details: { child: spawn.child, syscall: spawn.syscall, copied_rss_bytes: spawn.copiedRssBytes },
    ...(arrow !== undefined && { arrowFrom: arrow }),
    inner: parts,
  };
}

const failureSlice = (failure: SpawnFailureEvent): Slice => ({
  name: `${failure.mechanism}: ${errnoName(failure.errno)}`,
  startUs: startUs(failure),
  endUs: failure.atMs * US_PER_MS,
  inner: [],
});

/** Per second, averaged over a tenth of one; a point where the value changes. */
function countersOf(spawns: readonly SpawnEvent[]): Counter[] {
  const slots = Map.groupBy(spawns, ({ atMs }) => Math.floor((atMs * US_PER_MS) / COUNTER_EVERY_US));
  const perSecond = 1e6 / COUNTER_EVERY_US;
  const pointsOf = (valueOf: (spawn: SpawnEvent) => number) =>
    [...slots]
      .toSorted(([a], [b]) => a - b)
      .flatMap(([slot, all]) => {
        const value = all.reduce((sum, spawn) => sum + valueOf(spawn), 0) * perSecond;
        const point = [slot * COUNTER_EVERY_US, value] as const;
        return slots.has(slot + 1) ? [point] : [point, [(slot + 1) * COUNTER_EVERY_US, 0] as const];
      });
  return [
    { name: 'stall per second', unit: 'ns', points: pointsOf(({ stallNs = 0 }) => stallNs) },
    { name: 'copied memory per second', unit: 'bytes', points: pointsOf(({ copiedRssBytes }) => copiedRssBytes) },
  ];
}
