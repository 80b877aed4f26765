/** Call sites and spawns of fixed values. */
import type { CallSite } from '../../model/call-sites.ts';
import type { Frame, Unwound } from '../../model/frames.ts';
import type { SpawnLine } from '../../model/spawn-lines.ts';
import { fakeSpawn } from '../../../testing/fake-engine.ts';

const LIBC = '/usr/lib/x86_64-linux-gnu/libc.so.6';
const APP = '/opt/app/bin/app';

export const frame = (symbol: string, offset: number, more: Partial<Frame> = {}): Frame => ({
  address: BigInt(0x7f00_0000_0000 + offset),
  how: 'cfi',
  module: APP,
  buildId: 'abcd',
  offset,
  symbol,
  ...more,
});

export const libc = (symbol: string, offset: number): Frame => frame(symbol, offset, { module: LIBC, buildId: 'cafe' });

/** fork ← build (with an inlined function) ← main ← libc's start. */
export const BUILD: readonly Frame[] = [
  libc('__libc_fork_internal', 0x10),
  libc('fork', 0x20),
  frame('start_job', 0x100, { inlined: true, file: '/src/jobs.c', line: 12 }),
  frame('build', 0x100, { file: '/src/build.c', line: 40 }),
  frame('main', 0x200, { file: '/src/main.c', line: 7 }),
  libc('__libc_start_call_main', 0x30),
  libc('__libc_start_main@@GLIBC_2.34', 0x40),
  frame('_start', 0x50),
];

export const complete = (frames: readonly Frame[]): Unwound => ({ frames, end: 'complete' });

export const site = (more: Partial<CallSite> = {}): CallSite => ({
  comm: 'app',
  frames: BUILD,
  end: 'complete',
  spawns: 3,
  failures: 0,
  stallNs: 9_000_000,
  copiedBytes: 3 << 20,
  avoidableNs: 8_925_000,
  ...more,
});

export const line = (spawn: Parameters<typeof fakeSpawn>[0], outcome: SpawnLine['outcome'] = 'exec'): SpawnLine => ({
  spawn: fakeSpawn({ comm: 'app', ...spawn }),
  outcome,
  failedExecs: 0,
});
