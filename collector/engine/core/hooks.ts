/** Which programs of the object make up which hook, and what each hook feeds. */
import type { CallHook } from '../../model/hooks.ts';
import type { ColumnGroup } from '../../model/columns.ts';

export interface HookPlan {
  readonly name: string;
  readonly columns: readonly ColumnGroup[];
  /** In the order in which they are attached. */
  readonly programs: readonly string[];
}

const SPAWN_CALLS = ['fork', 'vfork', 'clone', 'clone3'];

/** What sees a call's end before what sees its begin, so that nothing begun is left without an end. */
const tracepointsOf = (calls: readonly string[]) => [
  ...calls.map((call) => `sys_exit_${call}`),
  ...calls.map((call) => `sys_enter_${call}`),
];

/** arm64 and later architectures never had fork and vfork. */
const spawnCallsOf = (arch: string) => (arch === 'x64' ? SPAWN_CALLS : ['clone', 'clone3']);

/** Where entry and exit of the spawning calls, and the failures of exec, are seen. */
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

/** The rest, from the end of a spawn to its begin: for the same reason. `task_newtask` comes last of all. */
export const EVENT_HOOK_PLANS: readonly HookPlan[] = [
  { name: 'sched_process_exit', columns: ['lifetime'], programs: ['sched_process_exit'] },
  { name: 'sched_process_exec', columns: ['exec'], programs: ['sched_process_exec'] },
  { name: 'page_fault_user', columns: ['faults'], programs: ['page_fault_user'] },
];

/** Hooks that an architecture cannot have, and why. */
export function impossibleHooks(arch: string): ReadonlyMap<string, string> {
  return new Map(arch === 'x64' ? [] : [['page_fault_user', `the kernel has no tracepoint of page faults on ${arch}`]]);
}

export const CHILD_EXISTS_PLAN: HookPlan = {
  name: CHILD_EXISTS,
  columns: ['spawns'],
  programs: ['task_newtask'],
};

/** The functions that fexit is aimed at, where the program's name alone does not say. */
export function attachTargets(arch: string): Readonly<Record<string, string>> {
  const prefix = arch === 'x64' ? '__x64_sys_' : `__${arch}_sys_`;
  return { fexit_execve: `${prefix}execve`, fexit_execveat: `${prefix}execveat` };
}
