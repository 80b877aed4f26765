/** Makes the load of a busy host: a few spawners spawn often, most spawn seldom, and half of them by two mechanisms. */
import { spawn, type ChildProcess } from 'node:child_process';
import { SPAWNLOAD } from '../../testing/spawnload.ts';

export const SPAWNERS = 20;
/** Spawns a second of the busiest spawner (2 times 15) and of the least busy one (one in 15 s, times 15). */
const MOST = 30;
const LEAST = 1;
const FOREVER = '1000000';

export function startLoad(): ChildProcess[] {
  return Array.from({ length: SPAWNERS }, (_, i) =>
    waysOf(i).map((way) => start(`spawner-${i}`, rateOf(i), way)),
  ).flat();
}

function waysOf(i: number): string[][] {
  const fork = ['--mechanism', 'fork', '--syscall', 'clone', '--rss', String((1 + (i % 5)) << 20)];
  const vfork = ['--mechanism', 'vfork', '--syscall', 'clone3'];
  return i % 2 === 0 ? [fork, vfork] : [fork];
}

/** Gives rates that are spaced logarithmically, because a host has few busy spawners. */
function rateOf(i: number): number {
  return MOST * (LEAST / MOST) ** (i / (SPAWNERS - 1));
}

function start(comm: string, rate: number, way: readonly string[]): ChildProcess {
  const args = ['--comm', comm, '--count', FOREVER, '--rate', rate.toFixed(0), '--child-lifetime', '3', ...way];
  return spawn(SPAWNLOAD, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}
