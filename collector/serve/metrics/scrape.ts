/** One scrape: the table as it was read, metrics about forktax itself, and those of the exporter's process. */
import type { Registry } from 'prom-client';
import { absentColumns } from '../../model/hooks.ts';
import type { Engine } from '../../model/engine.ts';
import type { MetricGroup } from '../../model/metric-groups.ts';
import type { EvictionClock } from './eviction-clock.ts';
import type { Family } from './family.ts';
import { render, type Format } from './formats.ts';
import { processFamilies } from './process.ts';
import type { Reading } from './reading.ts';
import { selfFamilies, type SelfState, type ServerCounts } from './self.ts';
import type { IdLabels } from './id-labels.ts';
import { spawnFamilies } from './spawn-families.ts';

export interface ScrapeSources {
  readonly engine: Engine;
  readonly version: string;
  /** The groups of metrics that are shown. */
  readonly groups: readonly MetricGroup[];
  readonly idLabels: IdLabels | undefined;
  /** If absent, the metrics of the exporter's process are left out. */
  readonly processMetrics: Registry | undefined;
  readonly serverCounts: () => ServerCounts;
  /** One for the exporter's life. */
  readonly evictions: EvictionClock;
}

export function renderScrape(
  sources: ScrapeSources,
  reading: Reading,
  format: Format,
): AsyncGenerator<string | Uint8Array> {
  return render(familiesOf(sources, reading), format);
}

async function* familiesOf(
  { engine, version, groups, idLabels, processMetrics, serverCounts, evictions }: ScrapeSources,
  { snapshot, begunAt }: Reading,
): AsyncGenerator<Family> {
  const state: SelfState = {
    version,
    engine,
    snapshot,
    ...serverCounts(),
    scrapeSeconds: () => (performance.now() - begunAt) / 1000,
  };
  if (snapshot) {
    const absent = absentColumns(engine.hooks);
    yield* spawnFamilies(snapshot, { absent, groups, idLabels, evictions });
  }
  if (processMetrics) yield* processFamilies(processMetrics);
  yield* selfFamilies(state);
}
