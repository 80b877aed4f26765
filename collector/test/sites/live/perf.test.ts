/**
 * Every frame that `perf record --call-graph dwarf` finds for a spawn, forktax sites finds, in the same order and run.
 * Probes at the tracepoints of system calls do not hide the calls from perf.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { test } from 'node:test';
import { frameName } from '../../../model/frames.ts';
import { tracefs } from '../../../system/tracefs.ts';
import { openEngine } from '../../../../testing/engines.ts';
import { SPAWNLOAD } from '../../../../testing/spawnload.ts';
import { buildChain, watchChain } from './chain.ts';

const COUNT = 10;
/** It is hit within each spawning call, so the stack of the user is the same. */
const EVENT = 'sched:sched_process_fork';

const why = (): string | false => {
  if (spawnSync('perf', ['version']).status !== 0) return 'perf is not installed';
  return tracefs() !== undefined ? false : 'tracefs is not mounted';
};

const { folder, program } = buildChain();

/** Gives the addresses' functions of each stack that perf has, the innermost first. */
function perfStacks(file: string): string[][] {
  const text = execFileSync('perf', ['script', '-i', file, '-F', 'ip,sym', '--no-inline'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 1 << 26,
  });
  return text
    .split(/\n\s*\n/)
    .map((stack) => [...stack.matchAll(/^\s*[0-9a-f]+ (\S+)/gm)].map(([, name = '']) => name))
    .filter((stack) => stack.length > 0);
}

/** Begins to record the process. Gives what waits for its end. */
async function startPerf(file: string, pid: number): Promise<() => Promise<unknown>> {
  const what = ['-e', EVENT, '--call-graph', 'dwarf,16384', '--user-callchains', '-p', String(pid), '-o', file];
  const stdio = ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] as const;
  const perf = spawn('perf', ['record', '-q', '--delay=-1', '--control=fd:3,4', ...what], { stdio: [...stdio] });
  const ended = once(perf, 'exit');
  const [control, answers] = [perf.stdio[3] as Writable, perf.stdio[4] as Readable];
  control.write('enable\n');
  const [answer] = (await once(answers, 'data')) as [Buffer];
  assert.match(answer.toString(), /^ack/);
  return () => ended;
}

/** libc has several names for most of its functions. */
const isOwn = (name: string): boolean => /^(spawn_once|inner|pass_on|outer|repeat|main|by_clone3|_start)$/.test(name);

for (const mechanism of ['vfork', 'posix_spawn', 'clone3', 'fork'])
  test(`${mechanism}: as many frames as perf, and the same functions`, { skip: why() }, async () => {
    const file = join(folder, `${mechanism}.data`);
    const { sites } = await watchChain(program, [mechanism, String(COUNT)], {
      stacks: COUNT,
      beside: (pid) => startPerf(file, pid),
    });
    const [site, ...others] = sites;
    assert.deepEqual(others, []);
    const ours = site?.frames.filter(({ inlined }) => !inlined).map(frameName) ?? [];
    const theirs = perfStacks(file);
    assert.equal(theirs.length, COUNT, 'perf saw every call');
    const own = ours.filter(isOwn);
    for (const stack of theirs) {
      const both = `${ours.join(' ← ')}, but perf ${stack.join(' ← ')}`;
      const theirOwn = stack.filter(isOwn);
      // perf 6.1 does not find the caller of glibc's clone3.
      assert.deepEqual(own.slice(0, theirOwn.length), theirOwn, both);
      assert.ok(ours.length >= stack.length, both);
    }
  });

/** How many vforks of a spawnload perf counts. */
function countByPerf(): number {
  const load = [SPAWNLOAD, '--mechanism', 'vfork', '--syscall', 'vfork', '--count', String(COUNT)];
  const args = ['stat', '-x', ',', '-e', 'syscalls:sys_enter_vfork', '--', ...load];
  const { stderr } = spawnSync('perf', args, { encoding: 'utf8' });
  return Number(/^(\d+),/m.exec(stderr)?.[1]);
}

const hidden = (): string | false =>
  why() || (countByPerf() === COUNT ? false : 'another program at the tracepoint hides calls from perf');

const x64 = process.arch === 'x64' ? hidden() : 'only x86-64 has vfork';

test('perf counts each call while the tracepoints have probes', { skip: x64 }, () => {
  using engine = openEngine({ callHook: 'syscalls' });
  assert.equal(engine.callHook, 'syscalls');
  assert.equal(countByPerf(), COUNT);
});
