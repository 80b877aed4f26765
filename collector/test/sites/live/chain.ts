/** Builds and runs the chain of fixtures/chain.c, whose call stacks are known. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { EngineOptions } from '../../../model/options.ts';
import { collect } from '../../../profile/collect.ts';
import type { Unwinder } from '../../../profile/stack-queue.ts';
import { openUnwinder } from '../../../system/unwinder.ts';
import { openEngine } from '../../../../testing/engines.ts';

const FLAGS = ['-O2', '-fomit-frame-pointer', '-g'];

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

/** Builds the program, for every user, in a folder that is removed after the tests. */
export function buildChain(): { folder: string; program: string } {
  const folder = mkdtempSync(join(tmpdir(), 'forktax-chain-'));
  const program = join(folder, 'chain');
  after(() => rmSync(folder, { recursive: true }));
  const library = join(folder, 'libpass.so');
  execFileSync('gcc', [...FLAGS, '-shared', '-fPIC', '-o', library, fixture('library.c')]);
  const libraries = [`-L${folder}`, '-lpass', '-Wl,-rpath,$ORIGIN', '-pthread'];
  execFileSync('gcc', [...FLAGS, '-o', program, fixture('chain.c'), ...libraries]);
  for (const path of [folder, library, program]) chmodSync(path, 0o755);
  return { folder, program };
}

export interface WatchOptions {
  readonly engine?: Partial<EngineOptions>;
  /** How many stacks are waited for. */
  readonly stacks: number;
  /** Runs before the chain begins; what it gives runs when the chain has ended. */
  readonly beside?: (pid: number) => Promise<() => Promise<unknown>>;
}

/** Runs the chain, which lives until its stacks are unwound. */
export async function watchChain(program: string, args: readonly string[], options: WatchOptions) {
  const chain = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(chain, 'exit');
  const { pid = 0 } = chain;
  const stacks = { bytes: 16_384, perSecond: 100_000 };
  using engine = openEngine({ filter: { pid }, stacks, ...options.engine });
  const real = openUnwinder();
  const [whole, stop] = [Promise.withResolvers<void>(), new AbortController()];
  let unwound = 0;
  const unwinder: Unwinder = {
    meet: (met, forkedFrom) => real.meet(met, forkedFrom),
    forget: (gone) => real.forget(gone),
    unwind: (stack) =>
      real.unwind(stack).finally(() => {
        if (++unwound === options.stacks) whole.resolve();
      }),
  };
  try {
    const besideEnd = await options.beside?.(pid);
    const collecting = collect(engine, unwinder, { aforkCostNs: 25_000 }, stop.signal);
    chain.stdin.write('\n');
    await once(chain.stdout, 'data');
    if (options.stacks > 0) await whole.promise;
    chain.stdin.end();
    await ended;
    await besideEnd?.();
    stop.abort();
    return { ...(await collecting), rows: engine.snapshot().rows };
  } finally {
    chain.kill('SIGKILL');
    real.close();
  }
}
