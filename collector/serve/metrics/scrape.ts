/** One scrape: the table as it is now, metrics about forktax itself, and those of the exporter's process. */
import type { Registry } from 'prom-client';
import type { CgroupNames } from '../../system/cgroups.ts';
import { absentColumns } from '../../model/hooks.ts';
import type { Engine } from '../../model/engine.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { renderProcessMetrics } from './process.ts';
import { renderSpawnMetrics } from './render.ts';
import { renderSelfMetrics, type SelfState } from './self.ts';
import type { IdLabel } from './series.ts';
import type { Format } from './text.ts';

const PIECE_CHARACTERS = 1 << 16;

export interface ScrapeSources {
  readonly engine: Engine;
  readonly version: string;
  /** If the tables cannot be read, logs the reason and gives undefined. */
  readonly readTables: () => Snapshot | undefined;
  /** Present only with the label `cgroup`. */
  readonly cgroupNames: CgroupNames | undefined;
  /** If absent, the metrics of the exporter's process are left out. */
  readonly processMetrics: Registry | undefined;
  readonly eventCounts: () => Pick<SelfState, 'eventClients' | 'eventClientsDropped' | 'eventsSkipped'>;
}

/** Gives the text in pieces of about 64 KiB, which are rendered on demand. */
export async function scrape(sources: ScrapeSources, format: Format): Promise<Iterable<string>> {
  const startedAt = performance.now();
  const snapshot = sources.readTables();
  const idLabel = await idLabelOf(sources, snapshot);
  const process = sources.processMetrics ? await renderProcessMetrics(sources.processMetrics, format) : '';
  const state: SelfState = {
    version: sources.version,
    engine: sources.engine,
    snapshot,
    ...sources.eventCounts(),
    scrapeSeconds: () => (performance.now() - startedAt) / 1000,
  };
  return inPieces(render(state, format, idLabel, process));
}

function* render(state: SelfState, format: Format, idLabel: IdLabel | undefined, process: string): Generator<string> {
  const absent = absentColumns(state.engine.hooks);
  if (state.snapshot) yield* renderSpawnMetrics(state.snapshot, format, absent, idLabel);
  yield process;
  yield* renderSelfMetrics(state, format);
  if (format === 'openmetrics') yield '# EOF\n';
}

async function idLabelOf(
  { engine, cgroupNames }: ScrapeSources,
  snapshot: Snapshot | undefined,
): Promise<IdLabel | undefined> {
  if (engine.label === 'none') return undefined;
  if (!cgroupNames) return { name: engine.label, valueOf: (id) => id };
  await cgroupNames.resolve(idsOf(snapshot));
  return { name: engine.label, valueOf: cgroupNames.nameOf };
}

function idsOf(snapshot: Snapshot | undefined): string[] {
  const rows = snapshot ? [...snapshot.rows, ...snapshot.failures] : [];
  return rows.flatMap(({ id }) => id ?? []);
}

function* inPieces(texts: Iterable<string>): Generator<string> {
  let piece = '';
  for (const text of texts) {
    piece += text;
    if (piece.length < PIECE_CHARACTERS) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}
