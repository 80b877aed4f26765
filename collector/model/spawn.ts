/** How a process was created. `probes/spawn.h` has an enum for each list. */

/** The mechanism follows from the clone flags; `docs/architecture.md` has the definitions. */
export const MECHANISMS = ['fork', 'vfork', 'afork'] as const;
export type Mechanism = (typeof MECHANISMS)[number];

/** `unknown`: the call began before the probes were attached, or no hook saw it. */
export const SYSCALLS = ['unknown', 'fork', 'vfork', 'clone', 'clone3'] as const;
export type SpawnSyscall = (typeof SYSCALLS)[number];
