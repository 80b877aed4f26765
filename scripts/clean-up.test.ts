/** What scripts/clean-up removes, and what it leaves, in namespaces of its own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';

const ROOT = resolve(import.meta.dirname, '..');

/** No process has it. */
const GONE = Number(readFileSync('/proc/sys/kernel/pid_max', 'utf8')) + 1;

/** The shell is the process that is alive. `$0`: the other. */
const PREPARE = `
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/forktax
for pid in $0 $$; do
  ip netns add forktax-$pid-0
  ip link add ft$pid-0 type veth peer name eth0 netns forktax-$pid-0
done
ip netns add forktax-other
mkfifo /run/forktax/sites
`;
const LOOK = `
ip -oneline link show | sed -n "s/^[0-9]*: \\(ft[^@]*\\).*/link \\1/p"
cd /run && printf '%s\\n' netns/* forktax/*
`;

function cleanUp(before = ''): { pid: number; stderr: string; left: readonly string[] } {
  const script = `${PREPARE}${before}\nscripts/clean-up\necho $$\n${LOOK}`;
  const inside = ['--mount', '--net', '--propagation', 'private', 'bash', '-c', script, String(GONE)];
  const { status, stdout, stderr } = spawnSync('unshare', inside, { cwd: ROOT, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const [pid, ...left] = stdout.trimEnd().split('\n');
  // The setting is the host's.
  return { pid: Number(pid), left, stderr: stderr.replace(/^clean-up: kernel\.bpf_stats_enabled .*\n/m, '') };
}

const skip = process.getuid?.() !== 0 && 'needs root';

test('what ended tests have left is removed and told; what others have is left alone', { skip }, () => {
  const { pid, stderr, left } = cleanUp();
  assert.deepEqual(stderr.trimEnd().split('\n'), [
    `clean-up: removed the link ft${GONE}-0, which a killed test has left`,
    `clean-up: removed the network namespace forktax-${GONE}-0, which a killed test has left`,
    'clean-up: removed /run/forktax/sites, at which nobody listens',
  ]);
  assert.deepEqual(left, [`link ft${pid}-0`, `netns/forktax-${pid}-0`, 'netns/forktax-other', 'forktax/*']);
});

test('the FIFO of call sites stays while somebody listens', { skip }, () => {
  const { stderr, left } = cleanUp('exec 8<>/run/forktax/sites; flock 8');
  assert.doesNotMatch(stderr, /sites/);
  assert.ok(left.includes('forktax/sites'), left.join());
});
