/** The NDJSON records of `forktax snoop --json`. Fields may be added within a schema version; none changes. */
import { identifyCgroup } from '../model/cgroup-identity.ts';
import { errnoName } from '../system/errno.ts';
import type { Mechanism } from '../model/spawn.ts';
import type { ExecEvent } from '../model/events.ts';
import { OUTCOMES, type SpawnLine } from '../model/spawn-lines.ts';
import { WORST, type SpawnerStalls, type SpawnSummary } from './summary.ts';

const SCHEMA = 2;

const outcomes = Object.entries(OUTCOMES).map(([name, meaning]) => `${name} (${meaning})`);

/**
 * The fields and their meanings; the man page lists them. A field is absent if its hook is missing or if the thing did
 * not happen.
 */
export const SPAWN_FIELDS = {
  schema: `version of these fields: ${SCHEMA}`,
  type: 'spawn',
  time: 'when the call returned, RFC 3339 in UTC',
  pid: 'process id of the spawner',
  tid: 'thread of it that called',
  comm: 'name of the spawner: its own, or that of its executable as --name-by says',
  mechanism: 'fork, vfork (also posix_spawn, popen, system) or afork',
  syscall: 'fork, vfork, clone, clone3 or unknown',
  cgroup: "path of the spawner's cgroup; absent if it cannot be found any more",
  cgroup_id: 'the id that the kernel has for it, a string',
  unit: 'its service or scope of systemd',
  container: 'the id of its container, or the name of one that has no id',
  runtime:
    'of the container: docker, containerd, cri-o, podman, lxc or systemd-nspawn; absent if the path does not tell',
  pod_uid: 'uid of its pod in Kubernetes',
  child: 'process id of the child',
  ancestors: 'with --ancestors: pid and comm of the parent of the spawner, its parent, and so on',
  ancestors_cut: 'true if there are more than the twelve that the kernel reads',
  stall_ns: 'nanoseconds from the call to its return',
  copy_ns: 'the part of stall_ns until the child exists, in which the kernel copies the address space',
  sibling_wait_ns:
    "nanoseconds that the spawner's other threads waited for its memory map during the call, in sum; 0 if none waited",
  copied_rss_bytes: "resident bytes of the child when it starts; 0 if it shares its parent's memory",
  copied_page_table_bytes: "bytes of the child's page tables when it starts; 0 if it shares its parent's memory",
  outcome: outcomes.join(', '),
  file: 'the file that the child executed, or the last that it tried to execute',
  args: 'with --args: the command line of the child; absent if the kernel could not read it',
  args_cut: 'true if the command line is longer than the 512 bytes that the kernel reads',
  exec_delay_ns: 'nanoseconds from the start of the child to its successful exec',
  failed_execs: 'how many execs of the child failed',
  errno: 'name of the error of the call, or of the last failed exec',
  exit_status: 'exit status of a child that ended without an exec, or 128 + signal',
  lifetime_ns: 'nanoseconds from the start to the exit of a child that ended without an exec',
} as const;
type Fields = Partial<Record<keyof typeof SPAWN_FIELDS, unknown>>;

function cgroupFields({ cgroup: id, cgroupPath: path }: SpawnLine['spawn']): Fields {
  if (path === undefined) return { cgroup_id: id };
  const { unit, container, podUid } = identifyCgroup(path);
  return {
    cgroup: path,
    cgroup_id: id,
    ...(unit !== undefined && { unit }),
    ...(container && { container: container.id, ...(container.runtime && { runtime: container.runtime }) }),
    ...(podUid !== undefined && { pod_uid: podUid }),
  };
}

function ancestorFields({ ancestry }: SpawnLine['spawn']): Fields {
  return ancestry ? { ancestors: ancestry.chain, ...(ancestry.cut && { ancestors_cut: true }) } : {};
}

function argumentFields({ commandLine }: ExecEvent): Fields {
  return commandLine ? { args: commandLine.words, ...(commandLine.cut && { args_cut: true }) } : {};
}

export function spawnRecord({ spawn, outcome, exec, exit, lastFailure, failedExecs }: SpawnLine): Fields {
  const { pid, tid, comm, mechanism, syscall } = spawn;
  const record: Fields = { schema: SCHEMA, type: 'spawn', time: rfc3339(spawn.atMs) };
  Object.assign(record, { pid, tid, comm, mechanism, syscall, ...cgroupFields(spawn), ...ancestorFields(spawn) });
  if (spawn.kind === 'spawn-failure') {
    return { ...record, stall_ns: spawn.stallNs, outcome, errno: errnoName(spawn.errno) };
  }
  return {
    ...record,
    child: spawn.child,
    ...(spawn.stallNs !== undefined && { stall_ns: spawn.stallNs }),
    ...(spawn.copyNs !== undefined && { copy_ns: spawn.copyNs }),
    ...(spawn.siblingWaitNs !== undefined && { sibling_wait_ns: spawn.siblingWaitNs }),
    copied_rss_bytes: spawn.copiedRssBytes,
    copied_page_table_bytes: spawn.copiedPageTableBytes,
    outcome,
    ...(exec && { file: exec.file, ...argumentFields(exec), exec_delay_ns: exec.delayNs }),
    ...(lastFailure && { ...(!exec && { file: lastFailure.file }), errno: errnoName(lastFailure.errno) }),
    ...(failedExecs > 0 && { failed_execs: failedExecs }),
    ...(exit && !exec && { exit_status: exit.status, lifetime_ns: exit.lifetimeNs }),
  };
}

/** A record of this kind follows when the kernel dropped events because its buffer was full. */
export const LOST_FIELDS = {
  schema: 'as above',
  type: 'lost',
  time: 'when the loss was noticed',
  events: 'how many events were lost since the record before',
} as const;

export function lostRecord(events: number, atMs: number): Record<keyof typeof LOST_FIELDS, unknown> {
  return { schema: SCHEMA, type: 'lost', time: rfc3339(atMs), events };
}

/** The last record. */
export const SUMMARY_FIELDS = {
  schema: 'as above',
  type: 'summary',
  time: 'when the run ended',
  run_ns: 'how long the run took, in nanoseconds',
  mechanisms:
    'for each mechanism that was seen: spawns, and for their stalls in nanoseconds stall_sum_ns, stall_p50_ns, ' +
    'stall_p99_ns (both within 2 %) and stall_max_ns',
  spawners:
    'the five names with the longest stalls in sum: comm, spawns, stall_sum_ns, stall_max_ns and the pid of the longest stall',
  failed_spawns: 'calls that failed, by name of the error',
  failed_execs: 'execs of children that failed, by name of the error',
  events_lost: 'events that the kernel dropped; the figures above lack them',
  counted_spawns: 'spawns as the kernel counted them, without loss; absent with --unit and --container',
} as const;

export interface Run {
  readonly ns: number;
  /** When it ended, in milliseconds since the epoch. In a recording, that is then. */
  readonly endMs: number;
  readonly eventsLost: number;
  /** Absent where the kernel does not count by what was asked for. */
  readonly countedSpawns?: number;
}

export function summaryRecord(summary: SpawnSummary, run: Run): Record<keyof typeof SUMMARY_FIELDS, unknown> {
  return {
    schema: SCHEMA,
    type: 'summary',
    time: rfc3339(run.endMs),
    run_ns: Math.round(run.ns),
    mechanisms: Object.fromEntries(summary.mechanisms.map((mechanism) => [mechanism, figures(summary, mechanism)])),
    spawners: summary.worst(WORST).map(spawnerRecord),
    failed_spawns: byName(summary.spawnFailures),
    failed_execs: byName(summary.execFailures),
    events_lost: run.eventsLost,
    counted_spawns: run.countedSpawns,
  };
}

function spawnerRecord({ comm, spawns, stallNs, longestNs, pid }: SpawnerStalls): object {
  return { comm, spawns, stall_sum_ns: stallNs, stall_max_ns: longestNs, pid };
}

function figures({ spawns, stalls }: SpawnSummary, mechanism: Mechanism): object {
  const stall = stalls[mechanism];
  if (stall.count === 0) return { spawns: spawns[mechanism] };
  return {
    spawns: spawns[mechanism],
    stall_sum_ns: stall.sum,
    stall_p50_ns: Math.round(stall.quantile(0.5) ?? 0),
    stall_p99_ns: Math.round(stall.quantile(0.99) ?? 0),
    stall_max_ns: stall.max,
  };
}

function byName(counts: ReadonlyMap<number, number>): Record<string, number> {
  return Object.fromEntries([...counts].map(([errno, count]) => [errnoName(errno), count]));
}

function rfc3339(ms: number): string {
  const microseconds = Math.floor((ms % 1) * 1000);
  return new Date(ms).toISOString().replace('Z', `${String(microseconds).padStart(3, '0')}Z`);
}
