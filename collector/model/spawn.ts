/** How a process was made. `probes/spawn.h` has an enum of each list. */

/** The mechanism follows from the clone flags; `docs/architecture.md` has the definitions. */
export const MECHANISMS = ['fork', 'vfork', 'afork'] as const;
export type Mechanism = (typeof MECHANISMS)[number];

/** `unknown`: the call began before the probes did, or no hook told. */
export const SYSCALLS = ['unknown', 'fork', 'vfork', 'clone', 'clone3'] as const;
export type SpawnSyscall = (typeof SYSCALLS)[number];
