/** Lists the programs that make up each hook, and the columns that it feeds. */
import type { CallHook } from '../../model/hooks.ts';
import type { ColumnGroup } from '../../model/columns.ts';

export interface HookPlan {
  readonly name: string;
  readonly columns: readonly ColumnGroup[];
  /** The programs in the order in which they are attached. */
  readonly programs: readonly string[];
}

const SPAWN_CALLS = ['fork', 'vfork', 'clone', 'clone3'];

/** Lists the exit of each call before its entry, so that each beginning that is seen also has an end. */
const tracepointsOf = (calls: readonly string[]) => [
  ...calls.map((call) => `sys_exit_${call}`),
  ...calls.map((call) => `sys_enter_${call}`),
];

/** arm64 and newer architectures have no fork and vfork. */
const spawnCallsOf = (arch: string) => (arch === 'x64' ? SPAWN_CALLS : ['clone', 'clone3']);

/** Gives the hooks that see entry and exit of the spawning calls, and failures of exec. */
export function callHookPlans(way: CallHook, arch: string): readonly HookPlan[] {
  switch (way) {
    case 'fentry':
      return [
        { name: 'fentry:kernel_clone', columns: ['stall'], programs: ['fexit_kernel_clone', 'fentry_kernel_clone'] },
        { name: 'fexit:execve', columns: ['execFailures'], programs: ['fexit_execve', 'fexit_execveat'] },
      ];
    case 'syscalls':
      return [
        { name: 'syscalls:clone', columns: ['stall'], programs: tracepointsOf(spawnCallsOf(arch)) },
        { name: 'syscalls:execve', columns: ['execFailures'], programs: ['sys_exit_execve', 'sys_exit_execveat'] },
      ];
    case 'raw':
      return [{ name: 'raw:sys_enter', columns: ['stall', 'execFailures'], programs: ['sys_exit', 'sys_enter'] }];
  }
}

export const CHILD_EXISTS = 'task_newtask';
const COUNTS_FAULTS = 'page_fault_user';
export const TIMES_COW_FAULTS = 'fexit:do_wp_page';

/** The other hooks, from the end of a spawn to its beginning, for the same reason. `task_newtask` comes last. */
export const EVENT_HOOK_PLANS: readonly HookPlan[] = [
  { name: 'sched_process_exit', columns: ['lifetime'], programs: ['sched_process_exit'] },
  { name: 'sched_process_exec', columns: ['exec'], programs: ['sched_process_exec'] },
  { name: COUNTS_FAULTS, columns: ['faults'], programs: ['page_fault_user'] },
  { name: TIMES_COW_FAULTS, columns: ['cowFaultTimes'], programs: ['fexit_do_wp_page'] },
  { name: 'lock:contention', columns: ['siblings'], programs: ['contention_end', 'contention_begin'] },
];

/** Gives the hooks that an architecture cannot have, with the reason. */
export function impossibleHooks(arch: string): ReadonlyMap<string, string> {
  const reason = `the kernel has no tracepoint of page faults on ${arch}`;
  return new Map(arch === 'x64' ? [] : [COUNTS_FAULTS, TIMES_COW_FAULTS].map((name) => [name, reason]));
}

export const CHILD_EXISTS_PLAN: HookPlan = {
  name: CHILD_EXISTS,
  columns: ['spawns'],
  programs: ['task_newtask'],
};

/** Gives the target functions of fexit programs whose section does not name one. */
export function attachTargets(arch: string): Readonly<Record<string, string>> {
  const prefix = arch === 'x64' ? '__x64_sys_' : `__${arch}_sys_`;
  return { fexit_execve: `${prefix}execve`, fexit_execveat: `${prefix}execveat` };
}
