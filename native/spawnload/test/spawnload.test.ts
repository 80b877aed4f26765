/** Other tests trust spawnload. These tests compare it with strace and /proc. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SPAWNLOAD, prepareSpawnload, runSpawnload, type Truth } from '../spawnload.ts';

const MIB = 1 << 20;

interface Traced {
  readonly truth: Truth;
  /** The beginnings of the spawning calls as strace writes them, without threads. */
  readonly spawns: readonly string[];
  /** `pid path` for each exec except spawnload's own. */
  readonly execs: readonly string[];
}

const isSpawn = (line: string): boolean => /^\d+ +(v?fork|clone3?)\(/.test(line) && !line.includes('CLONE_THREAD');

function trace(...args: string[]): Traced {
  const folder = mkdtempSync(join(tmpdir(), 'forktax-strace-'));
  const log = join(folder, 'log');
  try {
    const strace = ['-f', '-qq', '-e', 'signal=none', '-e', 'trace=fork,vfork,clone,clone3,execve', '-o', log];
    const output = execFileSync('strace', [...strace, SPAWNLOAD, ...args], { encoding: 'utf8' });
    const truth: Truth = JSON.parse(output);
    const lines = readFileSync(log, 'utf8').split('\n');
    return {
      truth,
      spawns: lines.filter(isSpawn).map((line) => line.replace(/^\d+ +/, '')),
      execs: lines.slice(1).flatMap((line) => /^(\d+) +execve\("([^"]+)/.exec(line)?.slice(1).join(' ') ?? []),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const FLAGS = { fork: '', vfork: 'CLONE_VM|CLONE_VFORK', afork: 'CLONE_VM' };

/** The line that strace shows for each pair. Its end may be cut if the child was faster. */
const PAIRS = [
  ['fork', 'fork', /^fork\(/],
  ['fork', 'clone', /^clone\(child_stack=NULL, flags=SIGCHLD\b/],
  ['fork', 'clone3', /^clone3\(\{flags=0, exit_signal=SIGCHLD,/],
  ['vfork', 'vfork', /^vfork\(/],
  ['vfork', 'clone', `clone(child_stack=NULL, flags=${FLAGS.vfork}|SIGCHLD`],
  ['vfork', 'clone3', `clone3({flags=${FLAGS.vfork}, exit_signal=SIGCHLD,`],
  ['afork', 'clone', `clone(child_stack=NULL, flags=${FLAGS.afork}|SIGCHLD`],
  ['afork', 'clone3', `clone3({flags=${FLAGS.afork}, exit_signal=SIGCHLD,`],
  ['posix_spawn', undefined, /^clone3?\(.*CLONE_VM\|CLONE_VFORK/],
] as const;

const matches = (line: string, pattern: string | RegExp): boolean =>
  typeof pattern === 'string' ? line.startsWith(pattern) : pattern.test(line);

for (const [mechanism, syscall, pattern] of PAIRS) {
  test(`${mechanism} by ${syscall ?? 'libc'}: exactly these calls, each with one exec`, () => {
    const by = syscall ? ['--syscall', syscall] : [];
    const { truth, spawns, execs } = trace('--mechanism', mechanism, ...by, '--count', '5');
    assert.equal(spawns.length, 5);
    assert.ok(
      spawns.every((line) => matches(line, pattern)),
      spawns.join('\n'),
    );
    assert.equal(truth.spawned, 5);
    assert.equal(truth.syscall, syscall ?? 'libc');
    assert.deepEqual(
      execs,
      truth.spawns.map(({ pid }) => `${pid} ${SPAWNLOAD}`),
    );
  });
}

test('a missing file is an exec failure of each child, not of the call', () => {
  for (const mechanism of ['fork', 'posix_spawn']) {
    const { truth, spawns, execs } = trace('--mechanism', mechanism, '--count', '3', '--exec-missing');
    assert.equal(spawns.length, 3);
    assert.equal(execs.length, 3);
    assert.equal(truth.spawned, 3);
    assert.deepEqual(truth.execFailures, { ENOENT: 3 });
    assert.deepEqual(truth.failures, {});
  }
});

test('without exec, and killed before it', () => {
  const unexecuted = trace('--no-exec', '--count', '3');
  assert.deepEqual([unexecuted.truth.spawned, unexecuted.execs.length, unexecuted.truth.killed], [3, 0, 0]);
  const killed = trace('--mechanism', 'afork', '--kill', '--count', '3');
  assert.deepEqual([killed.truth.spawned, killed.execs.length, killed.truth.killed], [3, 0, 3]);
});

test('a thread spawns, and a thread of the child executes', () => {
  const { truth, spawns, execs } = trace('--from-thread', '--exec-from-thread', '--count', '3');
  assert.equal(spawns.length, 3);
  const executing = execs.map((exec) => Number(exec.split(' ')[0]));
  assert.equal(executing.length, 3);
  for (const { pid } of truth.spawns) assert.ok(!executing.includes(pid), `the leader ${pid} executed`);
});

test('RLIMIT_NPROC refuses every spawn', async () => {
  for (const mechanism of ['fork', 'posix_spawn']) {
    const truth = await runSpawnload(['--mechanism', mechanism, '--nproc-limit', '--count', '4', '--threads', '2']);
    assert.equal(truth.attempted, 4);
    assert.equal(truth.spawned, 0);
    assert.deepEqual(truth.failures, { EAGAIN: 4 });
  }
});

test('many threads share the count, and every child is there once', async () => {
  const truth = await runSpawnload(['--threads', '3', '--live', '4', '--count', '100']);
  assert.equal(truth.spawned, 100);
  assert.equal(new Set(truth.spawns.map(({ pid }) => pid)).size, 100);
});

test('waits until told, holds the memory that it says, and leaves nothing behind', async () => {
  const load = await prepareSpawnload(['--rss', String(64 * MIB), '--count', '3', '--comm', 'forktax "test"']);
  const status = readFileSync(`/proc/${load.pid}/status`, 'utf8');
  const rss = 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
  assert.match(status, /^Name:\tforktax "test"$/m);
  assert.equal(readFileSync(`/proc/${load.pid}/task/${load.pid}/children`, 'utf8'), '');
  const truth = await load.go();
  assert.equal(truth.comm, 'forktax "test"');
  assert.ok(Math.abs(truth.rssBytes.min - rss) <= rss / 100, `${truth.rssBytes.min} is not ${rss}`);
  assert.ok(truth.rssBytes.min >= 64 * MIB);
  assert.ok(truth.pageTableBytes >= (64 * MIB) / 512, 'eight bytes map one page of 4096');
  for (const { pid } of truth.spawns) assert.ok(!existsSync(`/proc/${pid}`));
});

test('children die with the generator', { timeout: 60_000 }, async () => {
  const load = await prepareSpawnload(['--child-lifetime', '600000', '--count', '2', '--live', '2']);
  const end = load.go().catch((error: unknown) => error);
  const children = await poll(
    () => childrenOf(load.pid),
    (pids) => pids.length === 2,
  );
  load.kill();
  assert.match(String(await end), /ended with SIGKILL/);
  await poll(
    () => children.filter((pid) => existsSync(`/proc/${pid}`)),
    (living) => living.length === 0,
  );
});

function childrenOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
}

async function poll<T>(read: () => T, done: (value: T) => boolean): Promise<T> {
  let value = read();
  while (!done(value)) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    value = read();
  }
  return value;
}

const faults = async (...args: string[]): Promise<readonly [number, number]> => {
  const truth = await runSpawnload(['--rss', String(32 * MIB), '--count', '10', '--no-exec', ...args]);
  return [truth.ownFaults, truth.childrenFaults];
};

const near = (actual: number, expected: number): void =>
  assert.ok(Math.abs(actual - expected) <= expected / 100, `${actual} is not ${expected}`);

test('the parent and its copy write exactly the pages that they were told to', async () => {
  const [own, children] = await faults();
  const [ownTouching, childrenOfTouching] = await faults('--parent-touch', '2000');
  near(ownTouching - own, 20_000);
  assert.ok(childrenOfTouching - children < 100);
  const [ownOfTouched, childrenTouching] = await faults('--child-touch', '2000');
  assert.ok(ownOfTouched - own < 100);
  near(childrenTouching - children, 20_000);
  const [ownShared] = await faults('--mechanism', 'afork', '--parent-touch', '2000');
  assert.ok(ownShared < 100, `${ownShared} faults on memory that is shared`);
});
