import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Roots } from '../../doctor/host.ts';

/** A host where everything is right. */
export const GOOD: Readonly<Record<string, string>> = {
  'proc/sys/kernel/osrelease': '6.12.48-cloud-amd64\n',
  'proc/sys/kernel/perf_event_paranoid': '3\n',
  'proc/sys/kernel/unprivileged_bpf_disabled': '2\n',
  'proc/sys/kernel/bpf_stats_enabled': '1\n',
  'proc/self/status': 'Name:\tnode\nCapPrm:\t000001ffffffffff\nCapEff:\t000001ffffffffff\nCapBnd:\t000001ffffffffff\n',
  'proc/self/mounts': 'proc /proc proc rw 0 0\ntracefs /sys/kernel/tracing tracefs rw,nosuid 0 0\n',
  'proc/self/ns/pid': '→ pid:[4026531836]',
  'sys/kernel/security/lockdown': 'none [integrity] confidentiality\n',
  'sys/kernel/btf/vmlinux': '\x9f\xeb',
};

/** Writes files into a new folder. Content of the form `→ target` makes a link, and undefined leaves a file out. */
export function writeHost(files: Readonly<Record<string, string | undefined>>): Roots {
  const root = mkdtempSync(join(tmpdir(), 'forktax-host-'));
  process.once('exit', () => rmSync(root, { recursive: true }));
  for (const [path, content] of Object.entries(files)) {
    if (content === undefined) continue;
    mkdirSync(dirname(join(root, path)), { recursive: true });
    if (content.startsWith('→ ')) symlinkSync(content.slice(2), join(root, path));
    else writeFileSync(join(root, path), content);
  }
  return { proc: join(root, 'proc'), sys: join(root, 'sys') };
}
