/**
 * A resident set is counted on each CPU, and the probes add up what up to FEW_CPUS of them hold back. scripts/test-kernels boots more
 * of them with FORKTAX_KERNEL_CPUS.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { probeConstant } from '../../../engine/shared/probe-constants.ts';
import { possibleCpus } from '../../../engine/shared/cpus.ts';
import { openEngine } from '../../../../testing/engines.ts';
import { uniqueComm } from '../../../../testing/spawnload.ts';
import { prepareSpawnload } from '../../../../native/spawnload/spawnload.ts';

const COUNT = 12;
const RSS = 256 << 20;
const PAGE = 4096;
/** Of files, of anonymous memory, of shared memory. */
const COUNTERS = 3;
/** What a CPU may hold back of a counter; lib/percpu_counter.c. */
const HELD_BACK_BYTES = (Math.max(32, 2 * possibleCpus()) - 1) * PAGE;

/** Gives what each fork of a spawner copied, which `disturb` moves about. */
async function copiedBy(disturb: (pid: number) => Promise<() => void>): Promise<number[]> {
  const comm = uniqueComm();
  using engine = openEngine();
  const copied: number[] = [];
  const stop = engine.subscribe((batch) => {
    for (const event of batch) if (event.comm === comm && event.kind === 'spawn') copied.push(event.copiedRssBytes);
  });
  const load = await prepareSpawnload(['--comm', comm, '--count', String(COUNT), '--rss', String(RSS)]);
  const leave = await disturb(load.pid);
  try {
    await load.go();
  } finally {
    leave();
  }
  stop();
  assert.equal(copied.length, COUNT);
  return copied;
}

const [firstCpu = 0, ...otherCpus] = ownCpus();

function ownCpus(): number[] {
  const [, list = ''] = /^Cpus_allowed_list:\s+(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return list.split(',').flatMap((range) => {
    const [from = 0, to = from] = range.split('-').map(Number);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}

test('forks on one CPU copy the same, on as many CPUs as there may be', async () => {
  const copied = await copiedBy(async (pid) => {
    execFileSync('taskset', ['-p', '-c', String(firstCpu), String(pid)]);
    return () => {};
  });
  assert.deepEqual(copied, Array(COUNT).fill(copied[0]));
  assert.ok((copied[0] ?? 0) >= RSS, `${copied[0]}`);
});

test('forks that are moved from CPU to CPU copy the same, or lack what they left behind', async () => {
  let moves = 0;
  const copied = await copiedBy(async (pid) => {
    const turns = `for cpu in ${[firstCpu, ...otherCpus].join(' ')}; do taskset -p -c $cpu ${pid} >&2 || exit; echo; sleep 0.003; done`;
    const mover = spawn('sh', ['-c', `while :; do ${turns}; done`], { stdio: ['ignore', 'pipe', 'ignore'] });
    mover.stdout.on('data', (lines: Buffer) => (moves += lines.length));
    await once(mover.stdout, 'data');
    return () => mover.kill();
  });
  const lack = Math.max(...copied) - Math.min(...copied);
  const mayLack = possibleCpus() > probeConstant('FEW_CPUS') ? moves * COUNTERS * HELD_BACK_BYTES : 0;
  assert.ok(lack <= mayLack, `${lack} of at most ${mayLack}, in ${moves} moves: ${copied.join()}`);
});
