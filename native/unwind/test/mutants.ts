/** Damaged ELF files, and what the unwinder makes of them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  openUnwinder,
  type StackSample,
  type Unwinder,
  type UnwinderOptions,
} from '../../../collector/system/unwinder.ts';
import { compileChain, OPTIMIZED, testProgram, type Workshop } from './catch.ts';

const BATCH = 20;
const STACKS_EACH = 3;
const STACK_BYTES = 4096;
const STACK_START = 0x7fff_0000_0000n;

/** The same numbers on every run: mulberry32. */
class Numbers {
  #state: number;
  constructor(seed: number) {
    this.#state = seed;
  }
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let word = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
    return ((word ^ (word >>> 14)) >>> 0) % limit;
  }
}

/** Whole ELF files with much that can be damaged: unwind tables of both kinds, DWARF plain and compressed. */
export function makeSeeds(workshop: Workshop): Buffer[] {
  const chain = compileChain(workshop, '-g');
  const packed = workshop.compile('packed', 'gcc', ...OPTIMIZED, '-g', '-gz', '-shared', '-fPIC', 'middle.c');
  const debugFrame = ['-fno-asynchronous-unwind-tables', '-fno-exceptions', '-g', '-gdwarf-4'];
  const old = workshop.compile('old', 'gcc', ...OPTIMIZED, ...debugFrame, '-shared', '-fPIC', 'middle.c');
  const cc = workshop.compile('cc', 'g++', ...OPTIMIZED, '-g', 'chain.cc');
  return [chain, join(workshop.folder, 'libmiddle.so'), packed, old, cc].map((path) => readFileSync(path));
}

const INTERESTING = [0, 1, 2, 0x7f, 0x80, 0xfe, 0xff];

/** A copy with some bytes changed, in a third of the cases in the tables of its head or tail, or with its end missing. */
function mutate(seed: Buffer, numbers: Numbers): Buffer {
  const kind = numbers.below(10);
  const copy = Buffer.from(kind === 0 ? seed.subarray(0, numbers.below(seed.length)) : seed);
  if (copy.length === 0) return copy;
  const changes = 1 + numbers.below(kind < 5 ? 8 : 200);
  for (let i = 0; i < changes; i++) {
    const area = Math.min(copy.length, 1024);
    let at = numbers.below(copy.length);
    if (kind === 1 || kind === 2) at = numbers.below(area);
    else if (kind === 3) at = copy.length - 1 - numbers.below(area);
    copy[at] = numbers.below(2) === 0 ? numbers.below(256) : (INTERESTING[numbers.below(INTERESTING.length)] ?? 0);
  }
  // What is no ELF file of this machine is not looked at any further.
  if (numbers.below(4) !== 0) seed.copy(copy, 0, 0, 20);
  return copy;
}

export interface Outcomes {
  /** How many stacks ended how. */
  readonly ends: Map<string, number>;
  /** How many frames all of them had, and how many of these had a name. */
  frames: number;
  named: number;
  /** The longest time for one stack, in milliseconds. */
  slowestMs: number;
}

/** Unwinds `STACKS_EACH` stacks in each of `count` damaged files. The same seed gives the same files. */
export async function unwindMutants(
  seeds: readonly Buffer[],
  count: number,
  options: UnwinderOptions = {},
  firstSeed = 1,
): Promise<Outcomes> {
  const outcomes: Outcomes = { ends: new Map(), frames: 0, named: 0, slowestMs: 0 };
  const folder = mkdtempSync(join(tmpdir(), 'forktax-mutants-'));
  try {
    // Few enough that the unwinder may end at every one of them.
    for (let done = 0; done < count; done += BATCH) {
      const unwinder = openUnwinder(options);
      try {
        for (let i = done; i < Math.min(count, done + BATCH); i++) {
          const numbers = new Numbers(firstSeed + i);
          const path = join(folder, `${i}`);
          const seed = seeds[numbers.below(seeds.length)] ?? Buffer.alloc(0);
          writeFileSync(path, mutate(seed, numbers));
          await unwindMutant(path, codeOf(seed), numbers, unwinder, outcomes);
          rmSync(path);
        }
      } finally {
        unwinder.close();
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return outcomes;
}

interface Range {
  readonly offset: number;
  readonly bytes: number;
}

/** Where the file has its code: the segment that is executable. */
function codeOf(elf: Buffer): Range {
  const [table, count] = [Number(elf.readBigUInt64LE(32)), elf.readUInt16LE(56)];
  const headers = Array.from({ length: count }, (_, i) => elf.subarray(table + i * 56, table + (i + 1) * 56));
  const code = headers.find((header) => header.readUInt32LE(0) === 1 && (header.readUInt32LE(4) & 1) !== 0);
  assert.ok(code);
  return { offset: Number(code.readBigUInt64LE(8)), bytes: Number(code.readBigUInt64LE(32)) };
}

async function unwindMutant(
  path: string,
  code: Range,
  numbers: Numbers,
  unwinder: Unwinder,
  outcomes: Outcomes,
): Promise<void> {
  const mapped = await mapFile(path);
  for (let i = 0; i < STACKS_EACH && mapped.address !== 0n; i++) {
    const begin = performance.now();
    const { frames, end } = await unwinder.unwind({ pid: mapped.pid, ...inventStack(mapped.address, code, numbers) });
    outcomes.slowestMs = Math.max(outcomes.slowestMs, performance.now() - begin);
    outcomes.ends.set(end, (outcomes.ends.get(end) ?? 0) + 1);
    outcomes.frames += frames.length;
    outcomes.named += frames.filter(({ symbol }) => symbol !== undefined).length;
  }
  await mapped.end();
}

interface Mapped {
  readonly pid: number;
  /** 0 if nothing could be mapped. */
  readonly address: bigint;
  end(): Promise<void>;
}

async function mapFile(path: string): Promise<Mapped> {
  const child = spawn(testProgram('map'), [path], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const [line] = (await Promise.race([once(child.stdout, 'data'), exited])) as [unknown];
  if (!Buffer.isBuffer(line)) throw new Error(`the program that maps files ended (status ${String(line)})`);
  return {
    pid: child.pid ?? 0,
    address: BigInt(`0x${line.toString().trim()}`),
    async end() {
      child.stdin.end();
      await exited;
    },
  };
}

/** A thread in the middle of the file's code, and a stack with many addresses of that code and of itself. */
function inventStack(address: bigint, code: Range, numbers: Numbers): Omit<StackSample, 'pid'> {
  const somewhere = (): bigint => address + BigInt(code.offset + numbers.below(code.bytes));
  const onStack = (): bigint => STACK_START + BigInt(8 * numbers.below(STACK_BYTES / 8));
  const stack = Buffer.alloc(STACK_BYTES);
  for (let at = 0; at < stack.length; at += 8)
    stack.writeBigUInt64LE([somewhere(), onStack(), BigInt(numbers.below(100))][numbers.below(3)] ?? 0n, at);
  return { registers: makeRegisters(somewhere(), STACK_START + 128n, onStack()), stackStart: STACK_START, stack };
}

/** The kernel's registers of a 64-bit program; what is not given is 0. */
function makeRegisters(pc: bigint, sp: bigint, framePointer: bigint): Buffer {
  const words = new BigUint64Array(34);
  const places = process.arch === 'x64' ? { pc: 16, sp: 19, framePointer: 4 } : { pc: 32, sp: 31, framePointer: 29 };
  words[places.pc] = pc;
  words[places.sp] = sp;
  words[places.framePointer] = framePointer;
  if (process.arch === 'x64') words[17] = 0x33n;
  return Buffer.from(words.buffer);
}
