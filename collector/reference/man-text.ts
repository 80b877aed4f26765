/** The prose of the man page: one string for each paragraph. */

export const MAN_DESCRIPTION: readonly string[] = [
  'forktax shows what process spawning costs a live system: for each fork, vfork, clone and clone3, how long the ' +
    'caller stood still, how much memory the kernel copied, how long the child took to reach exec, and what ' +
    'failed.',
  'BPF programs in the kernel measure. Threads are not spawns. Processes are shown by name and id. Of an exec, the ' +
    'programs read only the path.',
  'Command lines may hold secrets, so they are never in metrics or logs. advise and relaunch print the command line of a ' +
    'process on the terminal of the user who asks.',
];

export const MAN_SECTIONS: readonly { readonly title: string; readonly body: readonly string[] }[] = [
  {
    title: 'OVERHEAD',
    body: [
      'The kernel counts costs in a table of bounded size. hist and serve read that table and need no events. snoop needs ' +
        'up to four events for a spawn (the spawn, a failed exec, the exec, the exit) of some 300 bytes each. If they ' +
        'come faster than they can be shown, the kernel drops and counts them, and snoop says how many. The count of ' +
        'spawns stays exact.',
      'The probes run at each spawn, exec, exit and user page fault. doctor says which call hook sees the spawning calls. ' +
        'With syscalls or raw, every system call of the host takes slightly longer. fentry does not have this cost, and ' +
        'is used if the kernel has it.',
      'While the sysctl kernel.bpf_stats_enabled is 1, the kernel counts what the probes cost. docs/overhead.md has ' +
        'measurements, and says how to repeat them.',
    ],
  },
  {
    title: 'PRIVILEGES',
    body: [
      "forktax needs root, or CAP_BPF and CAP_PERFMON. `forktax doctor' says what this process lacks; it needs no privilege.",
    ],
  },
  {
    title: 'EXIT STATUS',
    body: [
      '0: success, also after Ctrl-C. 1: failure; for doctor, spawns cannot be measured here. 2: wrong usage or wrong ' +
        'settings. An error has a code in brackets, which docs/errors.md explains.',
    ],
  },
  {
    title: 'ENVIRONMENT',
    body: ['NO_COLOR: if it is set, no colours are used. Colours are used on a terminal only.'],
  },
  {
    title: 'SEE ALSO',
    body: ['fork(2), vfork(2), clone(2), posix_spawn(3), execve(2), bpf(2), capabilities(7)'],
  },
];
