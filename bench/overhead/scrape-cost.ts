/**
 * Measures what a scrape costs, by the number of rows in the table. Rows are made up, so that only rendering, compression and
 * HTTP are measured. The client is in another thread.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, workerData, parentPort } from 'node:worker_threads';
import { get } from 'node:http';
import { OPEN_WEB_CONFIG } from '../../collector/serve/config/web.ts';
import type { CostRow } from '../../collector/model/rows.ts';
import type { Engine } from '../../collector/model/engine.ts';
import { buildApp } from '../../collector/serve/http/app.ts';
import { listen } from '../../collector/serve/http/listen.ts';
import { createLogger } from '../../collector/serve/log.ts';
import { CONTENT_TYPES, render, type Format } from '../../collector/serve/metrics/formats.ts';
import { spawnFamilies } from '../../collector/serve/metrics/spawn-families.ts';
import { HISTOGRAM_BOUNDS, type HistogramKind } from '../../collector/model/bounds.ts';
import { createFakeEngine, fakeRow } from '../../testing/fake-engine.ts';
import { generator } from '../../testing/random.ts';
import { median } from './statistics.ts';

const ROUNDS = 7;
const NONE = new Map<never, string>();

interface Request {
  readonly accept: string;
  readonly url: string;
  readonly encoding: string;
}

interface Scrape {
  readonly bytes: number;
  readonly ms: number;
}

/** The cost for one format and number of rows. Times are medians of several runs. */
export interface ScrapeCost {
  readonly format: Format;
  readonly rows: number;
  readonly bytes: number;
  /** Processor time for rendering and encoding only. */
  readonly renderCpuMs: number;
  readonly plainMs: number;
  readonly gzipMs: number;
  readonly gzipBytes: number;
  /** The longest time for which the scrape blocked the exporter's event loop. */
  readonly blockedMs: number;
}

if (!isMainThread) await scrapeInWorker();

export async function measureScrape(rowCount: number, format: Format): Promise<ScrapeCost> {
  const rows = Array.from({ length: rowCount }, (_, i) => makeRow(i));
  const engine = createFakeEngine({ rows });
  const renders: number[] = [];
  for (let round = 0; round < ROUNDS; round++) renders.push(await cpuMsOf(() => renderAll(engine, format)));
  const webConfig = () => OPEN_WEB_CONFIG;
  const logger = createLogger({ level: 'error', format: 'logfmt', write: () => {} });
  const app = buildApp({ engine, version: 'bench', logger, telemetryPath: '/metrics', maxRequests: 1, webConfig });
  const listening = await listen(app, ['127.0.0.1:0'], webConfig);
  const url = `http://${listening.addresses[0]}/metrics`;
  const plain = await scrapes({ url, accept: CONTENT_TYPES[format], encoding: 'identity' });
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  const gzip = await scrapes({ url, accept: CONTENT_TYPES[format], encoding: 'gzip' });
  delays.disable();
  await listening.close();
  return {
    format,
    rows: rowCount,
    bytes: await renderAll(engine, format),
    renderCpuMs: median(renders),
    plainMs: median(plain.map(({ ms }) => ms)),
    gzipMs: median(gzip.map(({ ms }) => ms)),
    gzipBytes: gzip[0]?.bytes ?? 0,
    blockedMs: delays.max / 1e6,
  };
}

/** Renders and encodes piece by piece, as a scrape does. Gives the number of bytes. */
async function renderAll(engine: Engine, format: Format): Promise<number> {
  let bytes = 0;
  const families = spawnFamilies(engine.snapshot(), { absent: NONE });
  for await (const piece of render(families, format)) bytes += Buffer.from(piece).length;
  return bytes;
}

/** Makes a row with different numbers than the others. Equal numbers would compress too well. */
function makeRow(index: number): CostRow {
  const random = generator(index + 1);
  const histogram = (kind: HistogramKind) => makeHistogram(HISTOGRAM_BOUNDS[kind].length + 1, random);
  return {
    ...fakeRow({ comm: `process-${index}`, spawns: 1000 + index }),
    stall: histogram('timeHistogram'),
    execDelay: histogram('timeHistogram'),
    lifetime: histogram('lifetimeHistogram'),
    copiedRss: histogram('sizeHistogram'),
    slowest: { pid: index, stallNs: 1e6 * (1 + random()), atMs: Date.now() },
  };
}

/** Makes a histogram in which some 20 slots are in use, around two values. */
function makeHistogram(slots: number, random: () => number): CostRow['stall'] {
  const counts = new Float64Array(slots);
  const first = Math.floor(random() * (slots - 30));
  for (let i = 0; i < 20; i++) counts[first + i + (i > 12 ? 8 : 0)] = Math.floor(random() ** 3 * 100_000);
  return { counts, sum: Math.floor(random() * 1e12) };
}

/** Measures processor time. On a busy machine, a clock would also measure other processes. */
async function cpuMsOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

async function scrapes(request: Request): Promise<readonly Scrape[]> {
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: request });
  return new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
}

async function scrapeInWorker(): Promise<void> {
  const request = workerData as Request;
  const results: Scrape[] = [];
  for (let round = 0; round < ROUNDS; round++) results.push(await scrapeOnce(request));
  parentPort?.postMessage(results);
}

function scrapeOnce({ url, accept, encoding }: Request): Promise<Scrape> {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    get(url, { headers: { accept, 'accept-encoding': encoding } }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on('end', () => resolve({ bytes, ms: performance.now() - startedAt }));
    }).on('error', reject);
  });
}
