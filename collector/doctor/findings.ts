/** What the host's state means for forktax, and what to do about it. */
import { isAtLeast, OLDEST_KERNEL, OLDEST_TESTED_KERNEL } from '../model/kernel-version.ts';
import type { Host } from './host.ts';

/** `note`: worth knowing, nothing is lost. `warn`: something is lost. `fail`: nothing can be measured. */
export type Status = 'ok' | 'note' | 'warn' | 'fail';

export interface Finding {
  readonly check: string;
  readonly status: Status;
  readonly found: string;
  readonly fix?: string;
}

/** `able`: the probes were tried, and can measure. */
export function examineHost(host: Host, able: boolean): Finding[] {
  return [
    kernel(host, able),
    btf(host),
    capabilities(host),
    tracefsCapability(host),
    sitesCapability(host),
    lockdown(host),
    tracefs(host),
    perfEventParanoid(host),
    unprivilegedBpf(host),
    bpfStatistics(host),
    pidNamespace(host),
    node(host),
  ];
}

export function canLoad({ capabilities: held }: Host): boolean {
  return held.has('CAP_SYS_ADMIN') || (held.has('CAP_BPF') && held.has('CAP_PERFMON'));
}

/** Vendors bring BPF to older kernels: Red Hat's 5.14 accepts what 5.15 does. */
function kernel({ kernel: release = 'unknown', architecture }: Host, able: boolean): Finding {
  const check = 'kernel';
  const found = `${release} on ${architecture}`;
  if (!able && !isAtLeast(release, OLDEST_KERNEL)) {
    const fix = `use Linux ${OLDEST_KERNEL} or later; ${OLDEST_TESTED_KERNEL} and later are tested`;
    return { check, status: 'fail', found, fix };
  }
  if (!isAtLeast(release, OLDEST_TESTED_KERNEL))
    return { check, status: 'note', found: `${found}: older than ${OLDEST_TESTED_KERNEL}, the oldest that is tested` };
  return { check, status: 'ok', found };
}

function btf({ hasBtf }: Host): Finding {
  const check = 'BTF';
  if (hasBtf) return { check, status: 'ok', found: '/sys/kernel/btf/vmlinux' };
  const fix =
    'use a kernel built with CONFIG_DEBUG_INFO_BTF=y, as all distributions build it; in a container, mount /sys';
  return { check, status: 'fail', found: '/sys/kernel/btf/vmlinux cannot be read', fix };
}

function capabilities(host: Host): Finding {
  const held = host.capabilities;
  const check = 'capabilities';
  if (held.has('CAP_SYS_ADMIN')) return { check, status: 'ok', found: 'CAP_SYS_ADMIN' };
  if (canLoad(host)) return { check, status: 'ok', found: 'CAP_BPF, CAP_PERFMON' };
  const missing = (['CAP_BPF', 'CAP_PERFMON'] as const).filter((name) => !held.has(name));
  const fix = 'run as root, or grant CAP_BPF and CAP_PERFMON (systemd: AmbientCapabilities=, docker: --cap-add)';
  return { check, status: 'fail', found: `missing: ${missing.join(', ')}`, fix };
}

function tracefsCapability({ capabilities: held }: Host): Finding {
  const check = 'CAP_DAC_READ_SEARCH';
  if (held.has(check)) return { check, status: 'ok', found: 'held' };
  const fix = 'grant it if no other hook sees the spawning calls';
  return {
    check,
    status: 'note',
    found: 'not held: tracefs cannot be read without it, so system-call tracepoints are not available',
    fix,
  };
}

function sitesCapability({ capabilities: held }: Host): Finding {
  const check = 'CAP_SYS_PTRACE';
  if (held.has(check)) return { check, status: 'ok', found: 'held' };
  return {
    check,
    status: 'note',
    found:
      'not held: forktax sites shows names only of processes of this user, and serve --web.enable-sites does not start',
    fix: 'grant it and CAP_DAC_READ_SEARCH for forktax sites; docs/security.md says what serve does with them',
  };
}

function lockdown({ lockdown: mode }: Host): Finding {
  const check = 'lockdown';
  if (mode !== 'confidentiality')
    return { check, status: 'ok', found: mode ?? 'not built in, or securityfs is not mounted' };
  const fix = 'boot with lockdown=integrity or lockdown=none; in confidentiality mode, BPF cannot read kernel memory';
  return { check, status: 'fail', found: mode, fix };
}

function tracefs({ tracefs: mounted }: Host): Finding {
  const check = 'tracefs';
  if (mounted !== undefined) return { check, status: 'ok', found: mounted };
  const fix = 'mount -t tracefs tracefs /sys/kernel/tracing, if no other hook sees the spawning calls';
  return { check, status: 'note', found: 'not mounted: system-call tracepoints are not available', fix };
}

/** Debian's kernels have a level 3, at which CAP_PERFMON is not enough: only CAP_SYS_ADMIN is. */
function perfEventParanoid({ perfEventParanoid: level, capabilities: held }: Host): Finding {
  const check = 'perf_event_paranoid';
  const found = `${level ?? 'unknown'}`;
  if (level === undefined || level <= 2 || held.has('CAP_SYS_ADMIN')) return { check, status: 'ok', found };
  const fix = 'sysctl kernel.perf_event_paranoid=2, if no other hook sees the spawning calls';
  return {
    check,
    status: 'note',
    found: `${found}: system-call tracepoints are not available without CAP_SYS_ADMIN`,
    fix,
  };
}

function unprivilegedBpf({ unprivilegedBpfDisabled: level }: Host): Finding {
  const check = 'unprivileged_bpf_disabled';
  return { check, status: 'ok', found: `${level ?? 'unknown'}: no effect on forktax` };
}

function bpfStatistics({ bpfStatsEnabled: enabled }: Host): Finding {
  const check = 'bpf_stats_enabled';
  if (enabled !== 0) return { check, status: 'ok', found: `${enabled ?? 'unknown'}` };
  const fix = 'sysctl kernel.bpf_stats_enabled=1 shows it; every run of any BPF program then takes some 20 ns longer';
  return { check, status: 'note', found: '0: what the probes themselves cost is not counted', fix };
}

function pidNamespace({ inInitialPidNamespace: initial }: Host): Finding {
  const check = 'pid namespace';
  if (initial !== false) return { check, status: 'ok', found: initial ? 'the initial one' : 'unknown' };
  const fix = "share the host's: docker run --pid=host, or hostPID: true in Kubernetes";
  return { check, status: 'warn', found: 'not the initial one: forktax shows and expects the pids of the host', fix };
}

function node({ node: version }: Host): Finding {
  const check = 'Node.js';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 12)) return { check, status: 'ok', found: version };
  return { check, status: 'fail', found: version, fix: 'use Node.js 22.12 or later; `npm run setup` fetches one' };
}
