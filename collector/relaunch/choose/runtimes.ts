/** Programs known by name: how they make processes, and what they themselves offer against its cost. */
import type { Program } from './program.ts';

export interface Runtime {
  readonly name: string;
  /** How it makes processes. */
  readonly spawns: string;
  /** What a person who runs it can do; absent: nothing that we know. */
  readonly offers?: string;
  /** It imports calls that could go through afork, but its usual spawns are made otherwise. */
  readonly spawnsByItself?: true;
}

interface Entry extends Runtime {
  readonly is: (program: Program) => boolean;
}

const named =
  (pattern: RegExp) =>
  ({ name }: Program): boolean =>
    pattern.test(name);

/** node::Start(int, char**): in Node's executable and in libnode, and in nothing else that offers Node-API. */
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
    offers: 'JDK 13 or later, without -Djdk.lang.Process.launchMechanism=FORK',
  },
  {
    name: 'Go',
    is: ({ elf }) => elf?.isGo === true,
    spawns: 'Go makes the system call by itself: clone(CLONE_VM | CLONE_VFORK) since Go 1.9',
    offers: 'it copies no memory already; what remains is the wait for the exec',
    spawnsByItself: true,
  },
  {
    name: 'Python',
    is: named(/^(python|pypy)[\d.]*$/),
    spawns: 'subprocess calls vfork, or fork, by itself; only os.system and os.posix_spawn go through libc',
    offers:
      'Python 3.10 or later uses vfork; preexec_fn makes it fork. multiprocessing: set_start_method("forkserver")',
    spawnsByItself: true,
  },
  {
    name: 'Ruby',
    is: named(/^(ruby|jruby|truffleruby)[\d.]*$/),
    spawns: 'Process.spawn, system and backticks call vfork by themselves, fork { } calls fork',
    offers: 'spawn instead of fork { exec }',
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
    spawns: 'it forks itself to save: the child needs the copy, and executes nothing',
    offers:
      'fewer saves (save "", a higher auto-aof-rewrite-percentage), or saves on a replica; its allocator is jemalloc',
    spawnsByItself: true,
  },
  {
    name: 'git',
    is: named(/^git(-.*)?$/),
    spawns: 'it forks for each helper that it runs',
    offers: 'its memory is mostly small; hooks and filters cost a fork each',
    spawnsByItself: true,
  },
  {
    name: 'Perl',
    is: named(/^perl[\d.]*$/),
    spawns: 'system, backticks, pipes and fork call fork',
    offers: 'Proc::FastSpawn from CPAN calls vfork',
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
    offers: 'huge_pages = on makes the copy of page tables small; a pool of connections makes fewer of them',
    spawnsByItself: true,
  },
  {
    name: 'nginx',
    is: named(/^nginx$/),
    spawns: 'its master forks the workers, which execute nothing; CGI programs are started by another process',
    offers: 'fewer reloads',
    spawnsByItself: true,
  },
  {
    name: 'Apache',
    is: named(/^(apache2|httpd)$/),
    spawns: 'it forks its workers; CGI programs are forked by a worker (mod_cgi) or by a small process (mod_cgid)',
    offers: 'mod_cgid, or FastCGI',
    spawnsByItself: true,
  },
  {
    name: 'Erlang',
    is: named(/^beam(\.smp)?$/),
    spawns: 'a small process, erl_child_setup, forks for the large one',
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
