/** The cases: the surroundings and the mechanisms that are measured in them. */

import { readFileSync } from 'node:fs';

export type Side = 'C' | 'Node';

export interface Case {
  readonly side: Side;
  readonly name: string;
  readonly bytes: number;
  readonly hugePages?: true;
  readonly descriptors?: number;
  /** How many processes keep each CPU busy. */
  readonly hogsPerCpu?: number;
  /** How long every exec of the child's program waits for permission, in milliseconds. */
  readonly gateMs?: number;
  /** C only: another thread maps memory at the same time. */
  readonly maps?: true;
  /** The share of `--rounds`, for cases with slow rounds. */
  readonly share?: number;
}

const MECHANISMS: Readonly<Record<Side, readonly string[]>> = {
  C: ['fork', 'vfork', 'posix_spawn', 'afork_spawn', 'emulated_afork', 'avfork', 'clone(CLONE_VM)'],
  Node: ['child_process', 'vfork stand-in', 'afork', 'no child'],
};

/** The mechanism that is compared with the others. */
export const OURS: Readonly<Record<Side, string>> = { C: 'afork_spawn', Node: 'afork' };

/** Its caller must not touch its descriptors at the same time, so it is measured only where descriptors are the cost. */
const DEFERRED = 'afork_spawn, deferred';

/** No mechanism can be faster than these: in C a bare clone(), which is unsafe, and in Node a spawn() without a child. */
export const FLOOR: Readonly<Record<Side, string>> = { C: 'clone(CLONE_VM)', Node: 'no child' };

/** Mechanisms that are no alternatives to it: the floors, and afork itself with a flag. */
export const UNFAIR: readonly string[] = [FLOOR.C, FLOOR.Node, DEFERRED];

export function mechanismsOf({ side, descriptors }: Case): readonly string[] {
  return side === 'C' && descriptors ? [...MECHANISMS.C, DEFERRED] : MECHANISMS[side];
}

export const GATE_MS = 25;
export const SMALL = '16 MB';
export const LARGE = '2 GB';
export const GATED = `exec gate of ${GATE_MS} ms`;

const MB = 2 ** 20;
/** With more memory than this, forks are so slow that there are fewer rounds. */
const LEISURELY = 256 * MB;
/** Descriptors for what the spawner itself opens. */
const SPARE_DESCRIPTORS = 200;
const SIZES = { [SMALL]: 16 * MB, '256 MB': 256 * MB, '1 GB': 1024 * MB, [LARGE]: 2048 * MB };
const FULL_SIZES = { ...SIZES, '8 GB': 8192 * MB };

export function makeCases({ full, only }: { full: boolean; only: Side | undefined }): readonly Case[] {
  const sides: readonly Side[] = only ? [only] : ['C', 'Node'];
  return sides.flatMap((side) => casesOf(side, full));
}

function casesOf(side: Side, full: boolean): readonly Case[] {
  const sizes = Object.entries(full ? FULL_SIZES : SIZES);
  const small = { side, bytes: 16 * MB };
  const descriptors = Math.min(20_000, mostDescriptors() - SPARE_DESCRIPTORS);
  return [
    ...sizes.map(([name, bytes]) => ({ side, name, bytes, share: shareOf(side, bytes) })),
    { side, name: `${LARGE}, huge pages`, bytes: 2048 * MB, hugePages: true },
    { ...small, name: `${descriptors.toLocaleString('en')} descriptors`, descriptors },
    { ...small, name: '4 hogs per CPU', hogsPerCpu: 4, share: 0.3 },
    { ...small, name: GATED, gateMs: GATE_MS, share: 0.2 },
    ...(side === 'C' ? [{ side, name: '1 GB, a thread maps', bytes: 1024 * MB, maps: true as const, share: 0.3 }] : []),
  ];
}

/** Gives more rounds for small processes in C. They spawn so fast that more rounds hardly take time, and give a better p99. */
function shareOf(side: Side, bytes: number): number {
  return side === 'C' && bytes <= 16 * MB ? 5 : Math.min(1, Math.max(0.2, LEISURELY / bytes));
}

/** Gives the hard limit of open files for this process and its children. */
function mostDescriptors(): number {
  const hard = /^Max open files +\S+ +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return hard ? Number(hard) : Infinity;
}
