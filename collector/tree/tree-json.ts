/** The NDJSON records of `forktax tree --json`: one for each process, parents before their children, then a summary. */
import { errnoName } from '../system/errno.ts';
import { programOf, sum, type FoldedProcess } from './fold.ts';
import type { TreeProcess } from '../model/process-tree.ts';

const SCHEMA = 1;

export const PROCESS_FIELDS = {
  schema: `version of these fields: ${SCHEMA}`,
  type: 'process',
  pid: 'process id',
  parent: 'process id of the parent; absent for a process at the top',
  depth: 'how many ancestors the process has in the tree',
  name: 'the file that the process executed; in brackets the name of one that did not execute anything',
  file: 'path that it executed',
  args: 'its command line: the name of the program and its arguments. Absent with --no-args, without a command or -p, and where the kernel could not read it',
  args_cut: 'true if the command line is longer than the 512 bytes that the kernel reads',
  mechanism: 'how it was made: fork, vfork or afork; absent for a process that was there before',
  syscall: 'fork, vfork, clone, clone3 or unknown',
  time: 'when the call that made it returned, RFC 3339 in UTC',
  stall_ns: 'nanoseconds that its parent stood still to make it',
  copy_ns: 'the part of stall_ns in which the kernel copied the address space',
  copied_rss_bytes: 'resident bytes that were copied',
  exec_delay_ns: 'nanoseconds from its start to its successful exec',
  lifetime_ns: 'nanoseconds from its start to its exit',
  exit_status: 'exit status, or 128 + signal',
  failed_spawns: 'how many of its own spawning calls failed, by error',
} as const;

export const TREE_SUMMARY_FIELDS = {
  schema: 'as above',
  type: 'summary',
  processes: 'how many processes were made',
  stall_sum_ns: 'nanoseconds that their parents stood still',
  copied_rss_bytes: 'resident bytes that were copied',
  failed_spawns: 'how many spawning calls failed',
  events_lost: 'events that the kernel dropped because its buffer was full: with any, the tree is not complete',
  events_left_out: 'events for which there was no room: the tree holds 500,000 processes and failed calls',
} as const;

export function* processRecords(processes: readonly TreeProcess[], depth = 0): Generator<object> {
  for (const process of processes) {
    yield processRecord(process, depth);
    yield* processRecords(process.children, depth + 1);
  }
}

type Fields = Partial<Record<keyof typeof PROCESS_FIELDS, unknown>>;

function processRecord(process: TreeProcess, depth: number): Fields {
  const { pid, parent, spawn, exec, exit, failures } = process;
  const errors = Map.groupBy(failures, ({ errno }) => errnoName(errno));
  return {
    schema: SCHEMA,
    type: 'process',
    pid,
    ...(parent && { parent: parent.pid }),
    depth,
    name: programOf(process),
    ...(exec && { file: exec.file }),
    ...(exec?.commandLine && { args: exec.commandLine.words, ...(exec.commandLine.cut && { args_cut: true }) }),
    ...(spawn && {
      mechanism: spawn.mechanism,
      syscall: spawn.syscall,
      time: new Date(spawn.atMs).toISOString(),
      ...(spawn.stallNs !== undefined && { stall_ns: spawn.stallNs }),
      ...(spawn.copyNs !== undefined && { copy_ns: spawn.copyNs }),
      copied_rss_bytes: spawn.copiedRssBytes,
    }),
    ...(exec && { exec_delay_ns: exec.delayNs }),
    ...(exit && { lifetime_ns: exit.lifetimeNs, exit_status: exit.status }),
    ...(failures.length > 0 && {
      failed_spawns: Object.fromEntries([...errors].map(([name, all]) => [name, all.length])),
    }),
  };
}

export function treeSummary(
  groups: readonly FoldedProcess[],
  { eventsLost, eventsLeftOut }: { readonly eventsLost: number; readonly eventsLeftOut: number },
): Record<keyof typeof TREE_SUMMARY_FIELDS, unknown> {
  const { processes, stallNs, copiedRssBytes, failures } = sum(groups.map(({ total }) => total));
  return {
    schema: SCHEMA,
    type: 'summary',
    processes,
    stall_sum_ns: stallNs,
    copied_rss_bytes: copiedRssBytes,
    failed_spawns: failures,
    events_lost: eventsLost,
    events_left_out: eventsLeftOut,
  };
}
