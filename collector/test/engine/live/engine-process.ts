/** Runs an engine in its own process, which tests can stop, kill, or start as another user. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openCoreEngine } from '../../../engine/core/engine.ts';
import { DEFAULT_ENGINE_OPTIONS, type EngineOptions } from '../../../model/options.ts';
import type { Snapshot } from '../../../model/snapshot.ts';
import { ForktaxError } from '../../../model/errors.ts';

export interface EngineReport {
  readonly snapshot: Snapshot;
  /** How many events were received so far, by kind. */
  readonly events: Readonly<Record<string, number>>;
  /** Milliseconds since the epoch. */
  readonly lastEventAtMs?: number;
}

/** A command that first changes the user, such as setpriv(1). */
type Wrapper = readonly string[];

export class EngineProcess {
  readonly child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(options: Partial<EngineOptions> & { stream?: boolean } = {}, wrapper: Wrapper = []) {
    const script = fileURLToPath(import.meta.url);
    const [command, ...args] = [...wrapper, process.execPath, ...process.execArgv, script];
    this.child = spawn(command, [...args, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  }

  async #line<T>(): Promise<T> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the engine process ended');
    return JSON.parse(value) as T;
  }

  /** Resolves when the probes are attached, or gives the code of the error. */
  ready(): Promise<{ callHook?: string; history?: string; code?: string; message?: string }> {
    return this.#line();
  }

  report(): Promise<EngineReport> {
    this.child.stdin?.write('\n');
    return this.#line();
  }

  /** Ends it, and waits until it is gone. */
  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill(signal);
    await gone;
  }
}

const print = (value: unknown) => console.log(JSON.stringify(value));

async function main(given: Partial<EngineOptions> & { stream?: boolean }): Promise<void> {
  const events: Record<string, number> = {};
  let lastEventAtMs: number | undefined;
  const engine = openCoreEngine({ ...DEFAULT_ENGINE_OPTIONS, ...given });
  if (given.stream)
    engine.subscribe((batch) => {
      for (const { kind } of batch) events[kind] = (events[kind] ?? 0) + 1;
      lastEventAtMs = batch.at(-1)?.atMs;
    });
  print({ callHook: engine.callHook, history: engine.history });
  for await (const _ of createInterface({ input: process.stdin })) {
    if (given.stream) await new Promise((resolve) => setTimeout(resolve, 200));
    print({ snapshot: engine.snapshot(), events, lastEventAtMs });
  }
  engine.close();
}

if (import.meta.main ?? process.argv[1] === fileURLToPath(import.meta.url))
  main(JSON.parse(process.argv[2] ?? '{}')).catch((error: unknown) => {
    if (!(error instanceof ForktaxError)) throw error;
    print({ code: error.code, message: error.message });
  });
