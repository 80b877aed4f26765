/** Reads what decides whether forktax can measure here. It writes nothing, and any of the files may be unreadable. */
import { accessSync, constants, readFileSync } from 'node:fs';
import { isInInitialPidNamespace } from '../system/pid-namespace.ts';

export interface Roots {
  readonly proc: string;
  readonly sys: string;
}

/** A value that cannot be read is undefined. */
export interface Host {
  readonly kernel: string | undefined;
  readonly architecture: string;
  readonly node: string;
  readonly hasBtf: boolean;
  /** Where tracefs is mounted. */
  readonly tracefs: string | undefined;
  /** none, integrity or confidentiality. */
  readonly lockdown: string | undefined;
  /** Effective capabilities of this process. */
  readonly capabilities: ReadonlySet<Capability>;
  readonly perfEventParanoid: number | undefined;
  readonly unprivilegedBpfDisabled: number | undefined;
  readonly bpfStatsEnabled: number | undefined;
  /** Whether pids here are those that the kernel itself uses. */
  readonly inInitialPidNamespace: boolean | undefined;
}

/** The capabilities that forktax can use, with their bits in /proc/PID/status, from linux/capability.h. */
const CAPABILITIES = [
  ['CAP_BPF', 39n],
  ['CAP_PERFMON', 38n],
  ['CAP_SYS_ADMIN', 21n],
  ['CAP_DAC_READ_SEARCH', 2n],
  ['CAP_SYS_PTRACE', 19n],
] as const;
type Capability = (typeof CAPABILITIES)[number][0];

export function readHost({ proc, sys }: Roots): Host {
  return {
    kernel: readText(`${proc}/sys/kernel/osrelease`),
    architecture: process.arch,
    node: process.versions.node,
    hasBtf: isReadable(`${sys}/kernel/btf/vmlinux`),
    tracefs: mountPoint(readText(`${proc}/self/mounts`), 'tracefs'),
    lockdown: chosen(readText(`${sys}/kernel/security/lockdown`)),
    capabilities: effectiveCapabilities(readText(`${proc}/self/status`)),
    perfEventParanoid: readNumber(`${proc}/sys/kernel/perf_event_paranoid`),
    unprivilegedBpfDisabled: readNumber(`${proc}/sys/kernel/unprivileged_bpf_disabled`),
    bpfStatsEnabled: readNumber(`${proc}/sys/kernel/bpf_stats_enabled`),
    inInitialPidNamespace: isInInitialPidNamespace(proc),
  };
}

/** Gives `integrity` for `none [integrity] confidentiality`. */
function chosen(text: string | undefined): string | undefined {
  return text && /\[(\w+)\]/.exec(text)?.[1];
}

/** Gives the first mount point of that type. fstab(5) has the format. */
function mountPoint(mounts: string | undefined, type: string): string | undefined {
  const fields = (mounts ?? '').split('\n').map((line) => line.split(' '));
  return fields.find((field) => field[2] === type)?.[1];
}

function effectiveCapabilities(status: string | undefined): ReadonlySet<Capability> {
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status ?? '')?.[1] ?? '0'}`);
  return new Set(CAPABILITIES.filter(([, bit]) => (mask >> bit) & 1n).map(([name]) => name));
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function readNumber(path: string): number | undefined {
  const text = readText(path);
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
