/**
 * node-spawner.ts PROGRAM ROUNDS BYTES DESCRIPTORS PACKAGE SECOND_PACKAGE
 * Does for Node what spawner.c does for C: spawns one child at a time with three pipes, by each mechanism in random order.
 * SECOND_PACKAGE is a copy of PACKAGE that is restricted to vfork. To the dynamic linker, its addon is another library.
 */
import childProcess, { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type * as Afork from '../../native/afork/node/index.ts';
import { type Sample, shuffled } from './samples.ts';

/** Chunks are large, because only whole aligned huge pages in them can be huge. */
const MOST_CHUNK_BYTES = 256 * 2 ** 20;
const WARM_UP_ROUNDS = 2;
/** A pause between children, in which the timer of the delay monitor settles. */
const PAUSE_MS = 3;

type Spawn = (file: string) => ChildProcess;
const [program = '', rounds = '1', bytes = '0', descriptors = '0', packagePath = '', secondPath = ''] =
  process.argv.slice(2);
const chunkBytes = Math.min(Number(bytes), MOST_CHUNK_BYTES);
const held = Array.from({ length: Number(bytes) / chunkBytes }, () => Buffer.alloc(chunkBytes, 1));
// Without this, V8 may collect the memory, because nothing reads it again.
Object.assign(globalThis, { held });
for (let i = 0; i < Number(descriptors); i++) openSync('/dev/null', 'r');

const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();

const second = await loadAfork(secondPath, 'vfork');
const first = await loadAfork(packagePath, undefined);
const mechanisms: readonly [string, Spawn][] = [
  ['child_process', (file) => childProcess.spawn(file)],
  ['vfork stand-in', (file) => second.spawn(file)],
  ['afork', (file) => first.spawn(file)],
];
const MISSING = '/nonexistent/program';
for (let round = -WARM_UP_ROUNDS; round < Number(rounds); round++)
  for (const [mechanism, spawn] of shuffled(mechanisms)) {
    const sample = await measure(mechanism, spawn);
    if (round >= 0) console.log(JSON.stringify(sample));
  }
// This comes last: a missing program takes another path, and the mechanisms above should stay warm.
for (let round = 0; round < Number(rounds); round++) console.log(JSON.stringify(await measureNoChild()));
assertMechanism(second, ['vfork']);
assertMechanism(first, ['clone3', 'clone']);
console.log(JSON.stringify({ residentBytes: process.memoryUsage.rss() }));

/** The library reads the variable once, at its first spawn. */
async function loadAfork(path: string, mechanism: string | undefined): Promise<typeof Afork> {
  if (mechanism) process.env.AFORK_MECHANISM = mechanism;
  else delete process.env.AFORK_MECHANISM;
  const afork = createRequire(import.meta.url)(`${path}/dist/index.js`) as typeof Afork;
  await measure('', (file) => afork.spawn(file));
  return afork;
}

async function measure(mechanism: string, spawn: Spawn): Promise<Sample> {
  // The reset comes before the pause, because the first interval after it is not counted.
  delay.reset();
  await sleep(PAUSE_MS);
  const start = process.hrtime.bigint();
  const child = spawn(program);
  const stall = Number(process.hrtime.bigint() - start);
  const report = once(child.stdout ?? child, 'data') as Promise<[Buffer]>;
  const closed = once(child, 'close');
  const [code] = (await once(child, 'exit')) as [number | null];
  const exit = Number(process.hrtime.bigint() - start);
  if (code !== 0) throw new Error(`${program} exited with ${String(code)}`);
  const exec = Number((await report)[0].readBigInt64LE() - start);
  await closed;
  // The turn that the spawn blocked ends with the timer after it.
  await sleep(PAUSE_MS);
  return { mechanism, stall, exec, exit, loop: delay.max };
}

/** Measures a spawn() without a child: Node's JavaScript, the pipes, and the check of a program that does not exist. */
async function measureNoChild(): Promise<Sample> {
  await sleep(PAUSE_MS);
  const start = process.hrtime.bigint();
  const child = first.spawn(MISSING);
  const stall = Number(process.hrtime.bigint() - start);
  await once(child, 'error');
  await once(child, 'close');
  return { mechanism: 'no child', stall, exec: 0, exit: 0 };
}

/** A fallback to another mechanism must not be published under this one's name. */
function assertMechanism(afork: typeof Afork, allowed: readonly string[]): void {
  const { mechanisms: used, fallbacks } = afork.stats();
  const others = [...Object.keys(used).filter((name) => !allowed.includes(name)), ...Object.keys(fallbacks)];
  if (others.length > 0) throw new Error(`spawns meant for ${allowed.join(' or ')} went by ${others.join(', ')}`);
}
