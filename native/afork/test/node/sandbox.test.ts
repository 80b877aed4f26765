/**
 * Under a sandbox that refuses one system call, of those that afork needs and Node itself does not: the whole table of
 * cases must end as it does with Node. Older Docker answers EPERM for what it does not know.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { REGISTER } from './program.ts';
import type { Told } from './run-cases.ts';

const RUNNER = fileURLToPath(new URL('run-cases.ts', import.meta.url));
const REFUSE = fileURLToPath(new URL('../../build/test/refuse', import.meta.url));
const EPERM = 1;
const ENOSYS = 38;
/** Numbers of x86-64 and arm64: asm/unistd.h. */
const CALLS: Readonly<Record<string, readonly [x64: number, arm64: number]>> = {
  clone3: [435, 435],
  close_range: [436, 436],
  execveat: [322, 281],
  faccessat2: [439, 439],
  getsid: [124, 156],
  nanosleep: [35, 101],
  pidfd_send_signal: [424, 424],
  poll: [7, 73],
  sched_yield: [24, 124],
  unshare: [272, 97],
  waitid: [247, 95],
};

async function seenBy(command: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const [program = '', ...args] = command;
  const { stdout } = await promisify(execFile)(program, args, {
    maxBuffer: Infinity,
    // bash reads ~/.bashrc when its input is a socket and SHLVL is below 2.
    env: { ...process.env, SHLVL: '2' },
  });
  const told = Object.entries(JSON.parse(stdout) as Record<string, Told>);
  return Object.fromEntries(told.map(([name, { seen }]) => [name, seen]));
}

const plain = seenBy([process.execPath, RUNNER, 'plain']);

for (const [name, numbers] of Object.entries(CALLS)) {
  // glibc itself, in pthread_create(), takes no other error of clone3 for "there is none": Node would not start.
  const errno = name === 'clone3' ? ENOSYS : EPERM;
  test(`${name} refused`, async () => {
    const call = String(numbers[process.arch === 'arm64' ? 1 : 0]);
    const hooked = [REFUSE, String(errno), call, process.execPath, '--require', REGISTER, RUNNER, 'hooked'];
    assert.deepEqual(await seenBy(hooked), await plain);
  });
}
