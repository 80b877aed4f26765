/** Where readings come from: an engine of this host, or the address of a collector. */
import { hostname } from 'node:os';
import type { ColumnGroup } from '../model/columns.ts';
import { absentColumns } from '../model/hooks.ts';
import type { Engine } from '../model/engine.ts';
import type { EngineEvent } from '../model/events.ts';
import { fetchCosts } from '../remote/costs.ts';
import type { Reading } from './history.ts';

export interface Source {
  readonly title: string;
  read(): Promise<Reading & { readonly eventsLost: number; readonly absent: ReadonlyMap<ColumnGroup, string> }>;
  /** Absent where single spawns cannot be seen. */
  subscribe?(onEvents: (events: readonly EngineEvent[]) => void): () => void;
}

export function hostSource(engine: Engine): Source {
  const absent = absentColumns(engine.hooks);
  return {
    title: engine.name === 'replay' ? 'a recording' : hostname(),
    async read() {
      await engine.settle?.();
      const { rows, failures, health, atMs } = engine.snapshot();
      return { atMs, rows, failures, eventsLost: health.eventsLost, absent };
    },
    subscribe: (onEvents) => engine.subscribe(onEvents),
  };
}

/** Failures are not part of what a collector tells of its costs. */
export function remoteSource(url: URL): Source {
  return {
    title: url.host,
    async read() {
      const { rows, absent, eventsLost } = await fetchCosts(url);
      return {
        atMs: performance.now(),
        rows,
        failures: [],
        eventsLost,
        absent: new Map([...absent, ['execFailures', 'not asked for']]),
      };
    },
  };
}
