/** Finds libraries where the dynamic loader would: ld.so(8). It knows the usual default directories only. */
import { dirname, join } from 'node:path';
import { tryReadBytes } from '../../system/files.ts';
import { tryReadElf, type Elf } from './elf.ts';

const CACHE = '/etc/ld.so.cache';
const DIRECTORIES = ['/lib64', '/usr/lib64', '/lib', '/usr/lib'];

export interface Library {
  /** The name by which the program asks for it, such as `libuv.so.1`. */
  readonly name: string;
  readonly path: string;
  readonly elf: Elf;
}

/** Lists each library that a program is linked with, the nearest first. A library that cannot be found is left out. */
export function librariesOf(program: string, elf: Elf, libraryPath: string | undefined): Library[] {
  const found = new Map<string, Library>();
  const queue: { path: string; elf: Elf }[] = [{ path: program, elf }];
  for (const user of queue)
    for (const name of user.elf.needed) {
      const library = found.has(name) ? undefined : find(name, user, libraryPath);
      if (!library) continue;
      found.set(name, library);
      queue.push(library);
    }
  return [...found.values()];
}

function find(name: string, user: { path: string; elf: Elf }, libraryPath: string | undefined): Library | undefined {
  for (const path of candidates(name, user, libraryPath)) {
    const elf = tryReadElf(path);
    if (elf?.bits === user.elf.bits && elf.architecture === user.elf.architecture) return { name, path, elf };
  }
  return undefined;
}

function candidates(name: string, user: { path: string; elf: Elf }, libraryPath: string | undefined): string[] {
  if (name.includes('/')) return [name];
  const origin = dirname(user.path);
  const own = user.elf.runPath.map((path) => path.replaceAll(/\$(ORIGIN|\{ORIGIN\})/g, origin));
  const directories = [...own, ...(libraryPath ?? '').split(/[:;]/)].filter((path) => path !== '');
  const inDirectory = (directory: string): string => join(directory, name);
  return [...directories.map(inDirectory), ...(readCache().get(name) ?? []), ...DIRECTORIES.map(inDirectory)];
}

let cache: ReadonlyMap<string, readonly string[]> | undefined;

/** Maps a name to its paths. There are several if the cache holds several architectures. */
function readCache(): ReadonlyMap<string, readonly string[]> {
  return (cache ??= parseCache(tryReadBytes(CACHE)));
}

const MAGIC = 'glibc-ld.so.cache1.1';
const HEADER_BYTES = 48;
const ENTRY_BYTES = 24;

/** The format is `struct cache_file_new` of glibc's sysdeps/generic/dl-cache.h. A table in the old format may precede it. */
function parseCache(file: Buffer): Map<string, string[]> {
  const paths = new Map<string, string[]>();
  const start = file.indexOf(MAGIC, 0, 'latin1');
  if (start === -1 || file.length < start + HEADER_BYTES) return paths;
  const bytes = file.subarray(start);
  const text = (at: number): string => bytes.toString('latin1', at, bytes.indexOf(0, at));
  const entries = Math.min(bytes.readUInt32LE(20), Math.floor((bytes.length - HEADER_BYTES) / ENTRY_BYTES));
  for (let i = 0; i < entries; i++) {
    const at = HEADER_BYTES + i * ENTRY_BYTES;
    const name = text(bytes.readUInt32LE(at + 4));
    paths.set(name, [...(paths.get(name) ?? []), text(bytes.readUInt32LE(at + 8))]);
  }
  return paths;
}
