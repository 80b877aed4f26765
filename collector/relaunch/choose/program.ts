/** Finds out what can be known about a program before it runs. */
import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { tryReadElf, type Elf } from './elf.ts';
import { hasFileCapabilities } from '../../system/hold.ts';
import type { Place } from '../../system/find-command.ts';
import { followCommand, type Trail } from './follow-command.ts';
import { librariesOf, type Library } from './libraries.ts';

type Libc = 'glibc' | 'musl' | 'other' | 'static';

export interface Program {
  readonly trail: Trail;
  /** The executable, with links resolved. */
  readonly path: string;
  readonly name: string;
  /** Undefined if it is not an executable that can be read and understood. */
  readonly elf: Elf | undefined;
  readonly libc: Libc | undefined;
  readonly libraries: readonly Library[];
  /** Why the dynamic loader ignores variables for it. */
  readonly privileged?: string;
}

export interface LookOptions extends Place {
  readonly libraryPath?: string | undefined;
  /** The user and group who will run it. */
  readonly uid: number;
  readonly gid: number;
}

/** @throws what followCommand throws */
export function lookAtCommand(words: readonly string[], options: LookOptions): Program {
  return lookAtExecutable(followCommand(words, options), options);
}

export function lookAtExecutable(trail: Trail, options: Omit<LookOptions, keyof Place>): Program {
  const path = realpathSync(trail.at(-1) ?? '');
  const elf = tryReadElf(path);
  const libraries = elf ? librariesOf(path, elf, options.libraryPath) : [];
  const late = elf ? lateLibraries(path, options.libraryPath) : [];
  const privileged = privilegesOf(path, options);
  return {
    trail,
    path,
    name: basename(path),
    elf,
    libc: elf && libcOf(elf),
    libraries: [...libraries, ...late],
    ...(privileged !== undefined && { privileged }),
  };
}

/** Looks at the executable of a process in another mount namespace. Its libraries and its file modes are not known. */
export function lookAtForeign(pid: number, executable: string): Program {
  const elf = tryReadElf(`/proc/${pid}/exe`);
  const name = basename(executable);
  return { trail: [executable], path: executable, name, elf, libc: elf && libcOf(elf), libraries: [] };
}

function libcOf({ interpreter }: Elf): Libc {
  if (interpreter === undefined) return 'static';
  const loader = basename(interpreter);
  if (/^ld(64)?(-linux.*)?\.so/.test(loader)) return 'glibc';
  return loader.startsWith('ld-musl-') ? 'musl' : 'other';
}

/** The Java launcher is not linked with the JVM; it loads it at run time. The JVM's libjava.so starts processes. */
function lateLibraries(path: string, libraryPath: string | undefined): Library[] {
  if (basename(path) !== 'java') return [];
  const library = join(dirname(path), '../lib/libjava.so');
  const elf = tryReadElf(library);
  return elf ? [{ name: 'libjava.so', path: library, elf }, ...librariesOf(library, elf, libraryPath)] : [];
}

/** Says why the kernel sets AT_SECURE: ld.so(8), "Secure-execution mode". */
function privilegesOf(path: string, { uid, gid }: { uid: number; gid: number }): string | undefined {
  const { mode, uid: owner, gid: group } = statSync(path);
  if (mode & 0o4000 && owner !== uid) return 'set-user-ID';
  if ((mode & 0o2010) === 0o2010 && group !== gid) return 'set-group-ID';
  return uid !== 0 && hasFileCapabilities(path) ? 'given file capabilities' : undefined;
}
