/** The runtimes that forktax knows by name: how each makes processes, and what it offers against the cost. */
import type { Program } from './program.ts';

export interface Runtime {
  readonly name: string;
  /** How it makes processes: a sentence without its full stop. */
  readonly spawns: string;
  /** What a person who runs it can do; absent if nothing is known. */
  readonly offers?: string;
  /** True if it does not use the calls of libc that can go through afork, even where it imports them. */
  readonly spawnsByItself?: true;
}

interface Entry extends Runtime {
  readonly is: (program: Program) => boolean;
}

const named =
  (pattern: RegExp) =>
  ({ name }: Program): boolean =>
    pattern.test(name);

/** node::Start(int, char**). Only Node's executable and libnode have it; other hosts of Node-API do not. */
const NODE_START = '_ZN4node5StartEiPPc';

const ENTRIES: readonly Entry[] = [
  {
    name: 'Node.js',
    is: (program) =>
      !/electron/i.test(program.name) &&
      [program, ...program.libraries].some(({ elf }) => elf?.namesSymbol(NODE_START)),
    spawns: 'libuv forks, and waits for the exec of the child',
  },
  {
    name: 'Java',
    is: named(/^java$/),
    spawns: 'libjava.so starts its helper jspawnhelper by posix_spawn (since JDK 13), by vfork before that',
    offers: 'use JDK 13 or later, without -Djdk.lang.Process.launchMechanism=FORK',
  },
  {
    name: 'Go',
    is: ({ elf }) => elf?.isGo === true,
    spawns: 'Go makes the system call by itself: clone(CLONE_VM | CLONE_VFORK) since Go 1.9',
    offers: 'it copies no memory; only the wait for the exec remains',
    spawnsByItself: true,
  },
  {
    name: 'Python',
    is: named(/^(python|pypy)[\d.]*$/),
    spawns: 'subprocess calls vfork, or fork, by itself; only os.system and os.posix_spawn go through libc',
    offers:
      'use Python 3.10 or later, which calls vfork, without preexec_fn; for multiprocessing set_start_method("forkserver")',
    spawnsByItself: true,
  },
  {
    name: 'Ruby',
    is: named(/^(ruby|jruby|truffleruby)[\d.]*$/),
    spawns: 'Process.spawn, system and backticks call vfork by themselves, fork { } calls fork',
    offers: 'use spawn instead of fork { exec }',
    spawnsByItself: true,
  },
  {
    name: 'PHP',
    is: named(/^php(-cgi|-fpm)?[\d.]*$/),
    spawns: 'exec, shell_exec, system, passthru and popen call popen of libc; pcntl_fork forks',
  },
  {
    name: 'Redis',
    is: named(/^(redis|valkey|keydb)-(server|check-rdb|check-aof)$/),
    spawns: 'it forks to save its data: the child needs the copy, and executes nothing',
    offers:
      'save less often (save "", a higher auto-aof-rewrite-percentage) or on a replica; its allocator is jemalloc, which --via hugepages does not reach',
    spawnsByItself: true,
  },
  {
    name: 'git',
    is: named(/^git(-.*)?$/),
    spawns: 'it forks for each helper that it runs',
    offers: 'its memory is usually small; use fewer hooks and filters, which cost a fork each',
    spawnsByItself: true,
  },
  {
    name: 'Perl',
    is: named(/^perl[\d.]*$/),
    spawns: 'system, backticks, pipes and fork call fork',
    offers: 'use Proc::FastSpawn from CPAN, which calls vfork',
    spawnsByItself: true,
  },
  {
    name: 'a shell',
    is: named(/^(ba|z|k|mk|fi|tc|c)?sh$/),
    spawns: 'it forks for each command, pipe and substitution',
    offers: 'its memory is small; --via node or --via preload reaches the programs that it starts',
    spawnsByItself: true,
  },
  {
    name: 'dash',
    is: named(/^dash$/),
    spawns: 'it calls vfork for simple commands and fork for the rest',
    offers: 'its memory is small; --via node or --via preload reaches the programs that it starts',
    spawnsByItself: true,
  },
  {
    name: 'PostgreSQL',
    is: named(/^(postgres|postmaster)$/),
    spawns: 'it forks a server process for each connection: the child needs the copy',
    offers: 'huge_pages = on makes the page tables small; a connection pool makes forks rare',
    spawnsByItself: true,
  },
  {
    name: 'nginx',
    is: named(/^nginx$/),
    spawns: 'its master forks the workers, which execute nothing; CGI programs are started by another process',
    offers: 'reload less often',
    spawnsByItself: true,
  },
  {
    name: 'Apache',
    is: named(/^(apache2|httpd)$/),
    spawns: 'it forks its workers; CGI programs are forked by a worker (mod_cgi) or by a small process (mod_cgid)',
    offers: 'use mod_cgid or FastCGI',
    spawnsByItself: true,
  },
  {
    name: 'Erlang',
    is: named(/^beam(\.smp)?$/),
    spawns: 'a small process, erl_child_setup, forks instead of the large one',
    spawnsByItself: true,
  },
  {
    name: '.NET',
    is: named(/^dotnet$/),
    spawns: 'libSystem.Native.so calls vfork by itself',
    spawnsByItself: true,
  },
];

export function runtimeOf(program: Program): Runtime | undefined {
  return ENTRIES.find(({ is }) => is(program));
}

/**
 * Gives the runtime that a process of this name is, if its spawns cannot be replaced. For a process that cannot be
 * examined any more.
 */
export function closedRuntimeNamed(name: string): Runtime | undefined {
  const unseen: Program = { trail: [], path: name, name, elf: undefined, libc: undefined, libraries: [] };
  const runtime = runtimeOf(unseen);
  return runtime?.spawnsByItself ? runtime : undefined;
}
