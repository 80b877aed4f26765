/** The prose of the man page: one string for each paragraph. */

export const MAN_DESCRIPTION: readonly string[] = [
  'forktax shows what process spawning costs a live system: for each fork, vfork, clone and clone3, how long the ' +
    'caller stood still, how much of its memory map the kernel copied, how long the child took to reach exec, and what ' +
    'failed.',
  'It measures by BPF programs in the kernel. Threads are not spawns. Processes are shown by name and id; of what they ' +
    'exec, only the path is read: never a command line, which may hold secrets.',
];

export const MAN_SECTIONS: readonly { readonly title: string; readonly body: readonly string[] }[] = [
  {
    title: 'OVERHEAD',
    body: [
      'Costs are counted in the kernel, in a table of bounded size, and read from there: hist and serve take no event ' +
        'for a spawn. snoop takes up to four (the spawn, a failed exec, the exec, the exit) of some 300 bytes each. When ' +
        'they come faster than they can be shown, the kernel drops and counts them, and snoop says how many: the count ' +
        'of spawns stays exact.',
      'The probes run at each spawn, exec, exit and user page fault. Where doctor says that system-call tracepoints or ' +
        'raw_syscalls see the spawning calls, every system call of the host takes a slightly longer way; fentry is ' +
        'free of that and is taken wherever the kernel has it.',
      'The kernel itself tells what the probes cost while the sysctl kernel.bpf_stats_enabled is 1. docs/overhead.md has ' +
        'measurements, and how to repeat them.',
    ],
  },
  {
    title: 'PRIVILEGES',
    body: [
      "Root, or CAP_BPF and CAP_PERFMON. `forktax doctor' tells what this process lacks, and needs no privilege itself.",
    ],
  },
  {
    title: 'EXIT STATUS',
    body: [
      '0: done, also when ended by Ctrl-C. 1: failed; doctor: spawns cannot be measured here. 2: wrong usage. Errors ' +
        'bear a code in brackets, which docs/errors.md explains.',
    ],
  },
  {
    title: 'ENVIRONMENT',
    body: ['NO_COLOR: if set, nothing is coloured. Colours are shown on a terminal only.'],
  },
  {
    title: 'SEE ALSO',
    body: ['fork(2), vfork(2), clone(2), posix_spawn(3), execve(2), bpf(2), capabilities(7)'],
  },
];
