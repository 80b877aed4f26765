/** Programs that stand still at the entry of a spawning call, with what the probe would copy of their stacks. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openUnwinder, type StackSample, type UnwinderOptions } from '../../../collector/system/unwinder.ts';
import type { Unwound } from '../../../collector/model/frames.ts';

const PROGRAMS = fileURLToPath(new URL('programs/', import.meta.url));

/** Gives the path of a program of these tests. @throws Error: it is not built */
export function testProgram(name: 'catch' | 'map'): string {
  const path = fileURLToPath(new URL(`../build/test/${name}`, import.meta.url));
  if (!existsSync(path)) throw new Error(`${path} is not built: run make test-programs`);
  return path;
}

export interface Caught {
  readonly sample: StackSample;
  /** Kills the program and all that it started. */
  end(): Promise<void>;
}

export interface CatchOptions {
  /** How much of the stack is copied; 64 KiB unless given. */
  readonly stackBytes?: number;
  /** A command that runs its arguments, in which the program is caught: `unshare`, and the like. */
  readonly inside?: readonly string[];
}

/** Runs a command up to its first spawn. */
export async function catchSpawn(command: readonly string[], options: CatchOptions = {}): Promise<Caught> {
  const catcher = testProgram('catch');
  const [program, ...words] = [...(options.inside ?? []), catcher, `${options.stackBytes ?? 65_536}`, ...command];
  const child = spawn(program ?? catcher, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    const at = line.indexOf('pid=');
    if (at === -1) continue;
    return {
      sample: decode(line.slice(at)),
      async end() {
        child.stdin.end();
        await exited;
      },
    };
  }
  const [status] = (await exited) as [number | null];
  throw new Error(`${command.join(' ')} spawned nothing (status ${status})`);
}

function decode(line: string): StackSample {
  const fields = new Map(line.split(' ').map((field) => field.split('=') as [string, string]));
  const bytes = (name: string): Buffer => Buffer.from(fields.get(name) ?? '', 'hex');
  return {
    pid: Number(fields.get('pid')),
    stackStart: BigInt(`0x${fields.get('start')}`),
    registers: bytes('registers'),
    stack: bytes('stack'),
  };
}

/** Runs a command up to its first spawn, and unwinds the stack that it then has. */
export async function unwindSpawn(
  command: readonly string[],
  options: CatchOptions & UnwinderOptions = {},
): Promise<Unwound> {
  const caught = await catchSpawn(command, options);
  const unwinder = openUnwinder(options);
  try {
    return await unwinder.unwind(caught.sample);
  } finally {
    unwinder.close();
    await caught.end();
  }
}

/** The names from the innermost to the outermost; `?` for a frame without one. */
export function names({ frames }: Unwound): string[] {
  return frames.map(({ symbol }) => symbol ?? '?');
}

/** A folder for what a test compiles from `programs/`. */
export class Workshop implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'forktax-unwind-'));

  /** Gives the path of the output. Words that name a file of `programs/` become its path. */
  compile(output: string, compiler: string, ...words: readonly string[]): string {
    const path = join(this.folder, output);
    const args = words.map((word) => (/^[\w-]+\.(c|cc|rs)$/.test(word) ? PROGRAMS + word : word));
    execFileSync(compiler, [...args, '-o', path], { cwd: this.folder, stdio: ['ignore', 'ignore', 'inherit'] });
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

export const OPTIMIZED = ['-O2', '-fomit-frame-pointer'] as const;

/** `chain.c` with a shared library of its own. */
export function compileChain(workshop: Workshop, ...flags: readonly string[]): string {
  workshop.compile('libmiddle.so', 'gcc', ...OPTIMIZED, ...flags, '-shared', '-fPIC', 'middle.c');
  return workshop.compile('chain', 'gcc', ...OPTIMIZED, ...flags, 'chain.c', 'libmiddle.so', '-Wl,-rpath,$ORIGIN');
}
