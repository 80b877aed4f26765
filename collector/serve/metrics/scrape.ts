/** One scrape: the table as it was read, metrics about forktax itself, and those of the exporter's process. */
import type { Registry } from 'prom-client';
import { absentColumns } from '../../model/hooks.ts';
import type { Engine } from '../../model/engine.ts';
import type { EvictionClock } from './eviction-clock.ts';
import type { Reading } from './reading.ts';
import { renderProcessMetrics } from './process.ts';
import { renderSpawnMetrics } from './render.ts';
import { renderSelfMetrics, type SelfState, type ServerCounts } from './self.ts';
import type { IdLabels } from './id-labels.ts';
import type { Format } from './text.ts';

export interface ScrapeSources {
  readonly engine: Engine;
  readonly version: string;
  readonly idLabels: IdLabels | undefined;
  /** If absent, the metrics of the exporter's process are left out. */
  readonly processMetrics: Registry | undefined;
  readonly serverCounts: () => ServerCounts;
  /** One for the exporter's life. */
  readonly evictions: EvictionClock;
}

export async function* renderScrape(
  { engine, version, idLabels, processMetrics, serverCounts, evictions }: ScrapeSources,
  { snapshot, begunAt }: Reading,
  format: Format,
): AsyncGenerator<string> {
  const state: SelfState = {
    version,
    engine,
    snapshot,
    ...serverCounts(),
    scrapeSeconds: () => (performance.now() - begunAt) / 1000,
  };
  if (snapshot) {
    const absent = absentColumns(engine.hooks);
    yield* renderSpawnMetrics(snapshot, format, absent, idLabels, evictions);
  }
  if (processMetrics) yield await renderProcessMetrics(processMetrics, format);
  yield* renderSelfMetrics(state, format);
  if (format === 'openmetrics') yield '# EOF\n';
}
