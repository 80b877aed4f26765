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
import { renderSpawnMetrics } from '../../collector/serve/metrics/render.ts';
import { createFakeEngine, fakeRow } from '../../testing/fake-engine.ts';
import { median } from './statistics.ts';

const ROUNDS = 7;
const NONE = new Map<never, string>();

interface Request {
  readonly url: string;
  readonly encoding: string;
}

interface Scrape {
  readonly bytes: number;
  readonly ms: number;
}

/** The cost for one number of rows. Times are medians of several runs. */
export interface ScrapeCost {
  readonly rows: number;
  readonly lines: number;
  readonly textBytes: number;
  /** Processor time for rendering and encoding only. */
  readonly renderCpuMs: number;
  readonly plainMs: number;
  readonly gzipMs: number;
  readonly gzipBytes: number;
  /** The longest time for which the scrape blocked the exporter's event loop. */
  readonly blockedMs: number;
}

if (!isMainThread) await scrapeInWorker();

export async function measureScrape(rowCount: number): Promise<ScrapeCost> {
  const rows = Array.from({ length: rowCount }, (_, i) => makeRow(i));
  const engine = createFakeEngine({ rows });
  const renders = Array.from({ length: ROUNDS }, () => cpuMsOf(() => renderAll(engine)));
  const webConfig = () => OPEN_WEB_CONFIG;
  const logger = createLogger({ level: 'error', format: 'logfmt', write: () => {} });
  const app = buildApp({ engine, version: 'bench', logger, telemetryPath: '/metrics', maxRequests: 1, webConfig });
  const listening = await listen(app, ['127.0.0.1:0'], webConfig);
  const url = `http://${listening.addresses[0]}/metrics`;
  const plain = await scrapes({ url, encoding: 'identity' });
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  const gzip = await scrapes({ url, encoding: 'gzip' });
  delays.disable();
  await listening.close();
  return {
    rows: rowCount,
    lines: countLines(engine),
    textBytes: renderAll(engine),
    renderCpuMs: median(renders),
    plainMs: median(plain.map(({ ms }) => ms)),
    gzipMs: median(gzip.map(({ ms }) => ms)),
    gzipBytes: gzip[0]?.bytes ?? 0,
    blockedMs: delays.max / 1e6,
  };
}

/** Renders and encodes piece by piece, as a scrape does. Gives the number of bytes. */
function renderAll(engine: Engine): number {
  let bytes = 0;
  for (const text of renderSpawnMetrics(engine.snapshot(), 'text', NONE)) bytes += Buffer.from(text).length;
  return bytes;
}

function countLines(engine: Engine): number {
  let lines = 0;
  for (const text of renderSpawnMetrics(engine.snapshot(), 'text', NONE)) lines += text.split('\n').length - 1;
  return lines;
}

/** Makes a row with different numbers than the others. Equal numbers would compress too well. */
function makeRow(index: number): CostRow {
  const counts = (length: number) => Float64Array.from({ length }, (_, i) => ((index + 1) * (i + 7) * 7919) % 100_000);
  const histogram = (length: number) => ({ counts: counts(length), sum: (index + 1) * 123_456_789 });
  return {
    ...fakeRow({ comm: `process-${index}`, spawns: 1000 + index }),
    stall: histogram(23),
    execDelay: histogram(23),
    lifetime: histogram(23),
    copiedRss: histogram(16),
  };
}

/** Measures processor time. On a busy machine, a clock would also measure other processes. */
function cpuMsOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
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

function scrapeOnce({ url, encoding }: Request): Promise<Scrape> {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    get(url, { headers: { 'accept-encoding': encoding } }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on('end', () => resolve({ bytes, ms: performance.now() - startedAt }));
    }).on('error', reject);
  });
}
