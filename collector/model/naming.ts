/** Names spawners. `probes/filter.bpf.h` does the same in the kernel. */

/**
 * `comm`: the name of the spawner's leader thread, as `ps` shows it. `exe`: the file name of its executable, cut to 15
 * bytes as a comm is. `auto`: the comm, or the executable's name where the comm is generic.
 */
export const NAMINGS = ['auto', 'comm', 'exe'] as const;
export type Naming = (typeof NAMINGS)[number];

/**
 * Names that runtimes give the leader thread, whatever program they run. Java, Python, Ruby, Erlang, .NET, Go and
 * Electron give it none: `ps` shows the name of their executable, or that of the script that was executed.
 */
export const GENERIC_NAMES: readonly string[] = [
  'MainThread', // Node.js from 24 on: https://github.com/nodejs/node/pull/56416
  'node-MainThread', // later Node.js: https://github.com/nodejs/node/pull/61307
  'GeckoMain', // Firefox and Thunderbird
  'Main', // Mono 4.6 and others: https://github.com/mono/mono/pull/3775
  'main',
  'exe', // what executed /proc/self/exe: container runtimes, Chromium's helpers
];

/** Before Linux 6.14, a program that was executed by descriptor has the descriptor's number as its comm. */
export function isGeneric(comm: string): boolean {
  return GENERIC_NAMES.includes(comm) || /^\d+$/.test(comm);
}

/** Cuts a name to 15 bytes, as the kernel cuts a comm. */
export function cutName(name: string): string {
  return Buffer.from(name).subarray(0, 15).toString();
}

/** Both names of a process. `exe` is empty if there is no executable. */
export interface ProcessNames {
  readonly comm: string;
  readonly exe: string;
}

export function nameSpawner(nameBy: Naming, { comm, exe }: ProcessNames): string {
  const byExecutable = nameBy === 'exe' || (nameBy === 'auto' && isGeneric(comm));
  return byExecutable && exe !== '' ? exe : comm;
}

/** Whether a process has the name `wanted`. With `auto`, either of its names counts. */
export function goesBy(wanted: string, nameBy: Naming, { comm, exe }: ProcessNames): boolean {
  return (nameBy !== 'exe' && comm === wanted) || (nameBy !== 'comm' && exe === wanted);
}
