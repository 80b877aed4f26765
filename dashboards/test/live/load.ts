/** Makes a mixed load by spawners of one name: every mechanism, copies, faults, failures, and children that live on. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { SPAWNLOAD } from '../../../native/spawnload/spawnload.ts';

const MIB = 1 << 20;
const FOR_EVER = 1_000_000;

const MIXED: readonly (readonly (string | number)[])[] = [
  ['--mechanism', 'fork', '--rss', 64 * MIB, '--parent-touch', 20, '--child-touch', 10, '--child-lifetime', 20],
  ['--mechanism', 'fork', '--rss', 64 * MIB, '--no-exec', '--siblings', 1],
  ['--mechanism', 'posix_spawn'],
  ['--mechanism', 'afork'],
  ['--mechanism', 'fork', '--exec-missing'],
  ['--mechanism', 'fork', '--nproc-limit'],
];

export interface Load {
  stop(): Promise<void>;
}

export const mixedLoad = (comm: string): Load => loadOf(MIXED.map((args) => args.concat('--comm', comm, '--rate', 10)));

/** Runs one spawnload for each list of arguments, until it is stopped. */
export function loadOf(argumentLists: readonly (readonly (string | number)[])[]): Load {
  const children = argumentLists.map((args) =>
    spawn(SPAWNLOAD, ['--count', String(FOR_EVER), ...args.map(String)], { stdio: ['ignore', 'ignore', 'inherit'] }),
  );
  return { stop: () => Promise.all(children.map(stopChild)).then(() => {}) };
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) throw new Error(`spawnload ended with ${child.exitCode}`);
  const exited = once(child, 'exit');
  child.kill();
  await exited;
}
