/** Chooses the way in which a program's spawns become cheap, and says why. */
import { getThp, type Thp } from './huge-pages.ts';
import type { Program } from './program.ts';
import { runtimeOf, type Runtime } from './runtimes.ts';
import { ForktaxError } from '../../model/errors.ts';
import { formatBytes } from '../../terminal/format.ts';

/** The values of `--via`. */
export const VIAS = ['auto', 'node', 'preload', 'hugepages', 'none'] as const;
export type RequestedVia = (typeof VIAS)[number];
export type Via = Exclude<RequestedVia, 'auto'>;

export interface Choice {
  readonly via: Via;
  readonly reason: string;
  /** Absent if the program is not a known runtime. */
  readonly runtime?: Runtime;
  /** Why a way that the user requested may have no effect. */
  readonly caution?: string;
}

export interface Evidence {
  /** What each fork copies. A measured run tells it, or the size of the running process. */
  readonly copiedBytes?: number;
  readonly thp?: Thp;
}

/** Below this, huge pages save less than they cost. */
const LARGE_HEAP_BYTES = 64 << 20;

/** @throws FORKTAX_VIA: the requested way would break the program */
export function choose(program: Program, requested: RequestedVia, evidence: Evidence = {}): Choice {
  const runtime = runtimeOf(program);
  const known = runtime && { runtime };
  if (requested === 'auto') return { ...automatic(program, runtime, evidence), ...known };
  const caution = cautionOf(program, runtime, requested, evidence);
  return { via: requested, reason: 'as requested', ...(caution !== undefined && { caution }), ...known };
}

type Plain = Pick<Choice, 'via' | 'reason'>;

function automatic(program: Program, runtime: Runtime | undefined, evidence: Evidence): Plain {
  const barrier = barrierOf(program);
  if (barrier !== undefined) return none(barrier);
  if (runtime?.name === 'Node.js') return { via: 'node', reason: `${program.path} is Node.js` };
  const calls = runtime?.spawnsByItself ? [] : importsOf(program, SPAWN_CALLS);
  if (calls.length > 0) return { via: 'preload', reason: `${importsText(calls)}${asWell(program)}` };
  return byItself(program, runtime, evidence);
}

function none(reason: string): Plain {
  return { via: 'none', reason };
}

/** Says why no variable can have an effect on this program. */
function barrierOf({ path, elf, libc, privileged }: Program): string | undefined {
  if (!elf) return `${path} is not a program that forktax can read`;
  if (elf.architecture !== process.arch) return `${path} is built for ${elf.architecture ?? 'another processor'}`;
  if (privileged !== undefined) return `${path} is ${privileged}: the dynamic loader ignores variables for it`;
  if (elf.isGo) return `${path} is written in Go, which makes system calls without a libc`;
  if (libc === 'static') return `${path} is statically linked: no call of it can be replaced`;
  if (libc === 'musl') return `${path} is linked with musl; libafork-preload.so needs glibc`;
  if (libc === 'other') return `${path} is linked with a libc other than glibc`;
  return undefined;
}

function byItself(program: Program, runtime: Runtime | undefined, evidence: Evidence): Plain {
  const forks = importsOf(program, FORK_CALLS);
  if (forks.length === 0 && !runtime) return none(`${program.path} imports no function that makes a process`);
  const why = runtime ? `${runtime.name}: ${runtime.spawns}` : `${importsText(forks)}, which nothing can replace`;
  const { copiedBytes = 0 } = evidence;
  if (copiedBytes < LARGE_HEAP_BYTES) return none(why);
  const obstacle = hugePagesObstacle(program, evidence);
  const large = `${why}; each fork copies ${formatBytes(copiedBytes)}`;
  if (obstacle === undefined) return { via: 'hugepages', reason: large };
  return none(`${large}, and huge pages cannot help: ${obstacle}`);
}

/** Names the calls of the executable that `preload` does not reach. */
function asWell({ path, elf }: Program): string {
  const forks = FORK_CALLS.filter((call) => elf?.imports.has(call));
  return forks.length === 0 ? '' : `; ${path} imports ${forks.join(', ')} as well, which nothing can replace`;
}

const SPAWN_CALLS = ['popen', 'system', 'posix_spawn', 'posix_spawnp'];
const FORK_CALLS = ['fork', 'vfork', '_Fork', 'clone'];

interface Imports {
  /** Such as `/usr/bin/make` or `libarchive.so.13`. */
  readonly by: string;
  readonly names: readonly string[];
}

function importsOf(program: Program, calls: readonly string[]): Imports[] {
  const users = [{ name: program.path, elf: program.elf }, ...program.libraries];
  return users
    .map(({ name, elf }) => ({ by: name, names: calls.filter((call) => elf?.imports.has(call)) }))
    .filter(({ names }) => names.length > 0);
}

function importsText(imports: readonly Imports[]): string {
  return imports.map(({ by, names }) => `${by} imports ${names.join(', ')}`).join('; ');
}

function cautionOf(program: Program, runtime: Runtime | undefined, via: Via, evidence: Evidence): string | undefined {
  if (via === 'none') return undefined;
  if (via === 'preload' && program.libc === 'musl')
    throw new ForktaxError('FORKTAX_VIA', `${program.path} is linked with musl: libafork-preload.so would break it`);
  const barrier = barrierOf(program);
  if (barrier !== undefined) return `${barrier}; programs that it starts may still profit`;
  if (via === 'node' && runtime?.name !== 'Node.js')
    return `${program.path} is not Node.js; Node programs that it starts may profit`;
  if (via === 'preload' && importsOf(program, SPAWN_CALLS).length === 0)
    return `${program.path} imports none of ${SPAWN_CALLS.join(', ')}; programs that it starts may still profit`;
  return via === 'hugepages' ? hugePagesObstacle(program, evidence) : undefined;
}

const ALLOCATORS = /^lib(jemalloc|tcmalloc(_minimal)?|mimalloc)\.so/;

/** Says why GLIBC_TUNABLES would have no effect. */
function hugePagesObstacle({ path, elf, libraries }: Program, { thp = getThp() }: Evidence): string | undefined {
  const allocator = libraries.find(({ name }) => ALLOCATORS.test(name));
  if (allocator) return `${path} allocates with ${allocator.name}`;
  if (!elf?.imports.has('malloc') && !libraries.some((library) => library.elf.imports.has('malloc')))
    return `${path} does not allocate with malloc of glibc`;
  const libc = libraries.find(({ name }) => name === 'libc.so.6');
  return thp.obstacle(libc?.path);
}
