/** Opens engines for tests on the live kernel, and reads what they measured about one spawner. */
import type { CallHook } from '../collector/model/hooks.ts';
import type { CostRow } from '../collector/model/rows.ts';
import type { Engine } from '../collector/model/engine.ts';
import { type EngineOptions, DEFAULT_ENGINE_OPTIONS } from '../collector/model/options.ts';
import { openBpftraceEngine } from '../collector/engine/bpftrace/engine.ts';
import { openCoreEngine, tryHooks } from '../collector/engine/core/engine.ts';

/** Opens an engine of one kind, with its default options. */
export type Open = (options?: Partial<EngineOptions>) => Promise<Engine & Disposable>;

export const openedBy =
  (callHook: CallHook): Open =>
  async (options) =>
    openEngine({ ...options, callHook });

export const openBpftrace: Open = async (options) => disposable(await openBpftraceEngine(withDefaults(options)));

/** Waits until the engine knows everything that has happened. */
export const settle = (engine: Engine, options?: { readonly faults?: boolean }) => engine.settle?.(options);

const withDefaults = (options: Partial<EngineOptions> = {}) => ({ ...DEFAULT_ENGINE_OPTIONS, ...options });

const disposable = (engine: Engine) => Object.assign(engine, { [Symbol.dispose]: () => engine.close() });

export function openEngine(options: Partial<EngineOptions> = {}): Engine & Disposable {
  return disposable(openCoreEngine(withDefaults(options)));
}

/** Gives the call hooks that this kernel and this process allow; at least one. */
export function availableWays(): readonly CallHook[] {
  const hooks = tryHooks().hooks;
  const attached = (prefix: string) => hooks.some((hook) => hook.attached && hook.name.startsWith(prefix));
  const ways = (['fentry', 'syscalls', 'raw'] as const).filter((way) => attached(`${way}:`));
  if (ways.length === 0) throw new Error(`no way to see the spawning calls: ${JSON.stringify(hooks)}`);
  return ways;
}

export const total = (histogram: { counts: ArrayLike<number> }) =>
  Array.from(histogram.counts).reduce((sum, count) => sum + count, 0);

export const rowsOf = (engine: Engine, comm: string) => engine.snapshot().rows.filter((row) => row.comm === comm);

/** Gives the only row of a comm. */
export function rowOf(engine: Engine, comm: string): CostRow {
  const rows = rowsOf(engine, comm);
  const [row] = rows;
  if (!row || rows.length !== 1)
    throw new Error(
      `${rows.length} rows of ${comm}: ${rows.map((each) => `${each.mechanism}/${each.syscall}`).join()}`,
    );
  return row;
}

/** Counts one kind of failure of a comm by errno. */
export function failuresOf(engine: Engine, comm: string, kind: 'spawn' | 'exec'): Record<number, number> {
  const failures = engine.snapshot().failures.filter((row) => row.comm === comm && row.kind === kind);
  return Object.fromEntries(failures.map((row) => [row.errno, row.count]));
}
