/** What a spawner is called. `probes/filter.bpf.h` does the same in the kernel. */

/**
 * `comm`: the name of the spawner's leader thread, as `ps` shows it. `exe`: the file name of its executable, cut to 15
 * bytes as a comm is. `auto`: the comm, or the executable's name where the comm is generic.
 */
export const NAMINGS = ['auto', 'comm', 'exe'] as const;
export type Naming = (typeof NAMINGS)[number];

/**
 * Names that runtimes give the leader thread, whatever program they run. Java, Python, Ruby, Erlang, .NET, Go and
 * Electron give it none: `ps` shows the name of their executable, or that of the script which was exec'd.
 */
export const GENERIC_NAMES: readonly string[] = [
  'MainThread', // Node.js from 24 on: https://github.com/nodejs/node/pull/56416
  'node-MainThread', // later Node.js: https://github.com/nodejs/node/pull/61307
  'GeckoMain', // Firefox and Thunderbird
  'Main', // Mono 4.6 and others: https://github.com/mono/mono/pull/3775
  'main',
  'exe', // what executed /proc/self/exe: container runtimes, Chromium's helpers
];

/** A program that was exec'd by a descriptor has its number as comm, before Linux 6.14. */
export function isGeneric(comm: string): boolean {
  return GENERIC_NAMES.includes(comm) || /^\d+$/.test(comm);
}

/** Both names of a process. `exe` is empty where there is no executable. */
export interface ProcessNames {
  readonly comm: string;
  readonly exe: string;
}

export function nameSpawner(nameBy: Naming, { comm, exe }: ProcessNames): string {
  const byExecutable = nameBy === 'exe' || (nameBy === 'auto' && isGeneric(comm));
  return byExecutable && exe !== '' ? exe : comm;
}

/** Whether a process goes by the name `wanted`; by either of its names where `nameBy` is auto. */
export function goesBy(wanted: string, nameBy: Naming, { comm, exe }: ProcessNames): boolean {
  return (nameBy !== 'exe' && comm === wanted) || (nameBy !== 'comm' && exe === wanted);
}
