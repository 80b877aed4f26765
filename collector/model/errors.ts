/** Every error that a person can meet. `docs/errors.md` lists them. */
import { OLDEST_KERNEL, OLDEST_TESTED_KERNEL } from './kernel-version.ts';

/** For each code, the exit status and the advice that follows the message. */
export const ERRORS = {
  FORKTAX_USAGE: { exit: 2, help: 'See forktax --help.' },
  FORKTAX_CONFIG: {
    exit: 2,
    help: 'Correct the setting that the message names; docs/configuration.md lists all settings.',
  },
  FORKTAX_NO_PRIVILEGE: {
    exit: 1,
    help: 'Run as root, or give the process CAP_BPF and CAP_PERFMON. `forktax doctor` shows what is missing.',
  },
  FORKTAX_CAPABILITIES: {
    exit: 1,
    help: 'Allow the system call capset in the seccomp profile (SystemCallFilter= of systemd), as the profile of Docker does.',
  },
  FORKTAX_NO_BTF: {
    exit: 1,
    help: 'Use a kernel built with CONFIG_DEBUG_INFO_BTF=y, as the large distributions have built theirs since 2021.',
  },
  FORKTAX_OLD_KERNEL: {
    exit: 1,
    help: `Use Linux ${OLDEST_KERNEL} or later; ${OLDEST_TESTED_KERNEL} and later are tested.`,
  },
  FORKTAX_NO_NATIVE: {
    exit: 1,
    help:
      'In a checkout, build it with `npm run setup`. Packages need x64 or arm64 and glibc 2.28 or later (not musl); ' +
      'npm must not leave out optional dependencies.',
  },
  FORKTAX_NO_UNWINDER: {
    exit: 1,
    help:
      'In a checkout, install libdw and libiberty (`apt-get install libdw-dev libiberty-dev`, `dnf install elfutils-devel binutils-devel`) and run `npm run setup` again. ' +
      'The packages of a release have it.',
  },
  FORKTAX_SITES: {
    exit: 1,
    help: 'Run as root, or grant what the message names (systemd: AmbientCapabilities=, as docs/security.md shows), or leave --web.enable-sites out.',
  },
  FORKTAX_PROBES_REFUSED: { exit: 1, help: 'Report this with the output of `forktax doctor --json`.' },
  FORKTAX_NO_HOOK: { exit: 1, help: '`forktax doctor` shows which hooks this kernel offers.' },
  FORKTAX_PIN: {
    exit: 1,
    help: 'Name a folder on a BPF filesystem, such as /sys/fs/bpf/forktax (mount -t bpf bpf /sys/fs/bpf), for each collector its own.',
  },
  FORKTAX_NO_STACKS: {
    exit: 1,
    help: 'Measure with --engine core; `forktax doctor` shows whether it can run here.',
  },
  FORKTAX_SCRIPT_SITES: {
    exit: 1,
    help: 'End the other forktax, or run as root: only root can make /run/forktax.',
  },
  FORKTAX_NO_BPFTRACE: {
    exit: 1,
    help: 'Install it (`apt-get install bpftrace`, `dnf install bpftrace`), or set BPFTRACE_PATH to its path.',
  },
  FORKTAX_OLD_BPFTRACE: { exit: 1, help: 'Install bpftrace 0.17 or later; Debian 12 and Ubuntu 23.04 have it.' },
  FORKTAX_NO_TRACEFS: { exit: 1, help: 'Mount it as root: mount -t tracefs tracefs /sys/kernel/tracing' },
  FORKTAX_BPFTRACE: { exit: 1, help: '`forktax doctor` shows whether bpftrace can run here, and why not.' },
  FORKTAX_NOT_FOUND: { exit: 127, help: 'Give a program that is in PATH, or its path.' },
  FORKTAX_NOT_EXECUTABLE: { exit: 126, help: 'Give a program that this user may execute.' },
  FORKTAX_VIA: { exit: 1, help: 'Choose another way with --via, or --via none to measure only.' },
  FORKTAX_PROCESS: { exit: 1, help: 'Start the program by hand: forktax relaunch -- COMMAND.' },
  FORKTAX_NO_PROCESS: { exit: 1, help: 'Give the id of a running process; `pgrep -a NAME` finds it.' },
  FORKTAX_NO_CGROUP: { exit: 1, help: '`systemd-cgls` shows the units and containers that run.' },
  FORKTAX_PID_NAMESPACE: {
    exit: 1,
    help: 'Run forktax in the initial pid namespace: `docker run --pid=host`, or hostPID: true in Kubernetes.',
  },
  FORKTAX_COLLECTOR: { exit: 1, help: 'Give the address of a running `forktax serve` with --url.' },
  FORKTAX_RECORDING: { exit: 1, help: 'Give a file that `forktax record` wrote, and that this version can read.' },
  FORKTAX_OUTPUT: { exit: 1, help: 'Give a path that this user can write to.' },
  FORKTAX_UNABLE: { exit: 1, help: 'Apply the fixes that are printed above, and run `forktax doctor` again.' },
  FORKTAX_DEFECT: { exit: 1, help: 'Report this with the lines above.' },
  FORKTAX_LISTEN: { exit: 1, help: 'Choose another address with --web.listen-address.' },
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** The only error type that reaches a person. `detail` is for logs, such as the log of the BPF verifier. */
export class ForktaxError extends Error {
  override readonly name = 'ForktaxError';
  readonly code: ErrorCode;
  readonly detail: string | undefined;

  constructor(code: ErrorCode, message: string, options: { detail?: string; cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : {});
    this.code = code;
    this.detail = options.detail;
  }
}
