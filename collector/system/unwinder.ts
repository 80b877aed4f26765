/**
 * Starts `native/unwind`, which turns copied stacks into chains of calls. It is a process of its own: it reads whatever
 * files other programs have mapped, and damaged ones can crash or stop it. It is then started again.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { ForktaxError } from '../model/errors.ts';
import type { Frame, StackEnd, Unwound } from '../model/frames.ts';
import { builtFile, describeSystem } from './built-file.ts';

export interface UnwinderOptions {
  /** How many processes' maps are remembered; 256 unless given. */
  readonly maxProcesses?: number;
  /** How many frames of a stack are looked at; 256 unless given. */
  readonly maxFrames?: number;
  /**
   * Starts so many more at once, which wait to take the place of one that ends, and none later: for callers that are about to
   * give up what their unwinders need.
   */
  readonly spares?: number;
  /** For tests: another program than the one that make built. */
  readonly program?: string;
}

export interface StackSample {
  readonly pid: number;
  /** The kernel's `struct pt_regs` (x86-64) or `struct user_pt_regs` (arm64). */
  readonly registers: Uint8Array;
  /** The address of the first byte of `stack`, which may be below the stack pointer. */
  readonly stackStart: bigint;
  readonly stack: Uint8Array;
}

export interface Unwinder {
  /**
   * Resolves when it has started, and is as quick as it will be. It never rejects: where it cannot start, each stack ends as
   * `failed`.
   */
  ready(): Promise<void>;
  /**
   * Reads what the process has mapped, so that stacks of it can still be unwound when it has ended. If it has ended already,
   * it is taken to have the map of the process that it was forked from.
   */
  meet(pid: number, forkedFrom?: number): void;
  /** Copies the sample at once, and wipes the copy when it is done. It never rejects: what fails is told by `end`. */
  unwind(sample: StackSample): Promise<Unwound>;
  forget(pid: number): void;
  /** False: it has ended too often, and each stack ends as `failed`. */
  isAlive(): boolean;
  /** Those of its processes. */
  pids(): readonly number[];
  /** Stacks that are not done end as `failed`. */
  close(): void;
}

/** @throws FORKTAX_NO_UNWINDER */
export function openUnwinder(options: UnwinderOptions = {}): Unwinder {
  const { maxProcesses = 256, maxFrames = 256, spares, program = builtFile('native/unwind/build/unwind') } = options;
  check(program);
  return new UnwindProcess(program, [`${maxProcesses}`, `${maxFrames}`], spares);
}

function check(program: string): void {
  if (!existsSync(program))
    throw new ForktaxError('FORKTAX_NO_UNWINDER', `the unwinder of call stacks was not built for ${describeSystem()}`);
  const { status, error, stderr } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  if (status !== 0)
    throw new ForktaxError('FORKTAX_NO_UNWINDER', `${program} cannot run: ${error?.message ?? stderr.trim()}`);
}

const KINDS = { meet: 1, forget: 2, unwind: 3 } as const;
const HEADER_BYTES = 32;
const EXTRA_BYTES_AT = 16;
const FORKED_FROM_AT = 20;
const MOST_MAPS_BYTES = 1 << 20;
const NO_BYTES = Buffer.alloc(0);
/** It is answered at once, as `unsupported`: without registers there is nothing to unwind. */
const NO_SAMPLE: StackSample = { pid: 0, registers: NO_BYTES, stackStart: 0n, stack: NO_BYTES };

/**
 * Gives what a process has mapped if it sees the same files as this one. The unwinder reads that itself, but it may be at work
 * on a stack until the process has ended.
 */
function mapsToSend(pid: number): Buffer {
  try {
    if (readlinkSync(`/proc/${pid}/ns/mnt`) !== readlinkSync('/proc/self/ns/mnt')) return NO_BYTES;
    const maps = readFileSync(`/proc/${pid}/maps`);
    return maps.length <= MOST_MAPS_BYTES ? maps : NO_BYTES;
  } catch {
    return NO_BYTES; // it has ended, or is not for this user to read
  }
}
/** A program that crashes the unwinder in each new process costs no more than this. */
const MAX_RESTARTS_PER_MINUTE = 20;
const MAX_REFUSED = 1024;

interface Pending {
  readonly id: number;
  readonly pid: number;
  readonly request: Buffer;
  readonly resolve: (unwound: Unwound) => void;
}

class UnwindProcess implements Unwinder {
  readonly #program: string;
  readonly #arguments: readonly string[];
  #child: ChildProcess | undefined;
  #closed = false;
  #lastId = 0;
  /** In the order of the requests, which is that of the answers. */
  #pending: Pending[] = [];
  /** Processes whose stacks ended the unwinder, and how. */
  readonly #refused = new Map<number, StackEnd>();
  #restarts: number[] = [];
  /** Absent: others are started when they are needed. */
  readonly #spares: ChildProcess[] | undefined;

  constructor(program: string, args: readonly string[], spares: number | undefined) {
    this.#program = program;
    this.#arguments = args;
    if (spares !== undefined) this.#spares = Array.from({ length: spares }, () => this.#spawn());
    this.#use(this.#spawn());
  }

  async ready(): Promise<void> {
    await this.unwind(NO_SAMPLE);
  }

  meet(pid: number, forkedFrom = 0): void {
    const maps = mapsToSend(pid);
    const request = Buffer.concat([encode(KINDS.meet, pid), maps]);
    request.writeInt32LE(forkedFrom, FORKED_FROM_AT);
    request.writeUInt32LE(maps.length, EXTRA_BYTES_AT);
    this.#send(request);
  }

  forget(pid: number): void {
    this.#refused.delete(pid);
    this.#send(encode(KINDS.forget, pid));
  }

  unwind(sample: StackSample): Promise<Unwound> {
    const refused = this.#closed ? 'failed' : this.#refused.get(sample.pid);
    if (refused !== undefined || !this.#running()) return Promise.resolve({ frames: [], end: refused ?? 'failed' });
    this.#lastId = (this.#lastId + 1) % 2 ** 32;
    const id = this.#lastId;
    const request = encode(KINDS.unwind, sample.pid, id, sample);
    return new Promise((resolve) => {
      this.#pending.push({ id, pid: sample.pid, request, resolve });
      this.#send(request);
    });
  }

  close(): void {
    this.#closed = true;
    for (const child of this.#children()) endChild(child);
    for (const each of this.#pending.splice(0)) settle(each, { frames: [], end: 'failed' });
  }

  #send(request: Buffer): void {
    if (!this.#closed && this.#running()) this.#child?.stdin?.write(request);
  }

  isAlive(): boolean {
    return !this.#closed && this.#running();
  }

  pids(): readonly number[] {
    return this.#children().map(({ pid = 0 }) => pid);
  }

  #children(): readonly ChildProcess[] {
    return [...(this.#child ? [this.#child] : []), ...(this.#spares ?? [])];
  }

  /** Starts the process again if it has ended; false if it has ended too often. */
  #running(): boolean {
    if (this.#child) return true;
    if (this.#spares) {
      const spare = this.#spares.find(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
      if (!spare) return false;
      this.#spares.splice(0, this.#spares.indexOf(spare) + 1);
      this.#use(spare);
      return true;
    }
    const now = performance.now();
    this.#restarts = this.#restarts.filter((time) => now - time < 60_000);
    if (this.#restarts.length >= MAX_RESTARTS_PER_MINUTE) return false;
    this.#restarts.push(now);
    this.#use(this.#spawn());
    return true;
  }

  #spawn(): ChildProcess {
    const child = spawn(this.#program, this.#arguments, { stdio: ['pipe', 'pipe', 'ignore'], cwd: '/' });
    child.stdin.on('error', () => undefined); // it has ended, and `close` tells why
    child.on('error', () => undefined);
    return child;
  }

  #use(child: ChildProcess): void {
    let rest = '';
    this.#child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#answer(JSON.parse(line) as Answer);
    });
    child.on('close', (_status, signal) => this.#ended(child, signal === 'SIGALRM' ? 'time-limit' : 'failed'));
  }

  #answer(answer: Answer): void {
    const first = this.#pending[0];
    if (first?.id !== answer.id) return;
    this.#pending.shift();
    settle(first, { frames: answer.frames.map(decodeFrame), end: answer.end });
  }

  /** The oldest stack is the one that it ended at. The others go to its successor. */
  #ended(child: ChildProcess, end: StackEnd): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    const culprit = this.#pending.shift();
    if (culprit) {
      if (this.#refused.size >= MAX_REFUSED) this.#refused.clear();
      this.#refused.set(culprit.pid, end);
      settle(culprit, { frames: [], end });
    }
    const others = this.#pending.splice(0);
    for (const each of others) {
      const refused = this.#refused.get(each.pid);
      if (refused !== undefined || this.#closed || !this.#running())
        settle(each, { frames: [], end: refused ?? 'failed' });
      else {
        this.#pending.push(each);
        this.#send(each.request);
      }
    }
  }
}

/**
 * It may be at work on a stack that nobody waits for any more. A caller that gave its capabilities up may not send a signal to
 * what runs as another user, and that ends with its input.
 */
function endChild(child: ChildProcess): void {
  child.kill('SIGKILL');
  child.stdin?.destroy();
  child.stdout?.destroy();
  child.unref();
}

/** `struct Request` of native/unwind/main.cc, and the bytes that follow it. */
function encode(kind: number, pid: number, id = 0, sample?: StackSample): Buffer {
  const { registers = new Uint8Array(0), stack = new Uint8Array(0), stackStart = 0n } = sample ?? {};
  const request = Buffer.alloc(HEADER_BYTES + registers.length + stack.length);
  request.writeUInt32LE(kind, 0);
  request.writeInt32LE(pid, 4);
  request.writeUInt32LE(id, 8);
  request.writeUInt32LE(registers.length, 12);
  request.writeUInt32LE(stack.length, 16);
  request.writeBigUInt64LE(stackStart, 24);
  request.set(registers, HEADER_BYTES);
  request.set(stack, HEADER_BYTES + registers.length);
  return request;
}

/** The stack may hold secrets. */
function settle({ request, resolve }: Pending, unwound: Unwound): void {
  request.fill(0);
  resolve(unwound);
}

/** A line of native/unwind/answer.h. Numbers that may exceed 2**53 are strings in hexadecimal. */
interface Answer {
  readonly id: number;
  readonly end: StackEnd;
  readonly frames: readonly AnsweredFrame[];
}

type AnsweredFrame = Omit<Frame, 'address' | 'offset'> & { readonly address: string; readonly offset?: string };

function decodeFrame({ address, offset, ...frame }: AnsweredFrame): Frame {
  return { address: BigInt(address), ...frame, ...(offset !== undefined && { offset: Number(offset) }) };
}
