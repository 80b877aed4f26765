/** bpftrace cannot run without tracefs. forktax says so, and what to do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startCli } from '../../../../../testing/run-cli.ts';

/** A command that runs the one after it in a mount namespace without tracefs. */
const WITHOUT_TRACEFS = [
  'unshare',
  '--mount',
  '--propagation',
  'private',
  'sh',
  '-c',
  `for place in /sys/kernel/debug/tracing /sys/kernel/debug /sys/kernel/tracing; do
     while mountpoint -q "$place"; do umount "$place"; done
   done
   exec "$@"`,
  'sh',
];

const run = (...args: readonly string[]) => startCli(args, WITHOUT_TRACEFS).result;
const ADVICE = /bpftrace needs tracefs, .*\n.*mount -t tracefs tracefs \/sys\/kernel\/tracing \[FORKTAX_NO_TRACEFS\]/;

for (const command of [
  ['hist', '--engine=bpftrace', '1', '1'],
  ['probes', 'run', 'spawn-stalls'],
])
  test(`${command.slice(0, 2).join(' ')} says that tracefs is missing, and how to mount it`, async () => {
    const { status, stderr } = await run(...command);
    assert.equal(status, 1, stderr);
    assert.match(stderr, ADVICE);
  });

test('doctor says beside bpftrace that it cannot run, and what would help', async () => {
  const { status, stdout } = await run('doctor', '--json');
  const { host } = JSON.parse(stdout) as { host: { check: string; status: string; found: string; fix?: string }[] };
  const finding = host.find(({ check }) => check === 'bpftrace');
  assert.equal(finding?.status, 'note');
  assert.match(finding?.found ?? '', /^0\.\d+\.\d+, \/.*; it cannot run: bpftrace needs tracefs/);
  assert.match(finding?.fix ?? '', /mount -t tracefs/);
  assert.equal(status, 0, 'core can still measure, by raw');
});
