/**
 * Measures what the series of a host cost a Prometheus: their number, and their bytes on disk. `npm run bench:fleet [-- MINUTES]`.
 * One second stands for the 15 seconds of a usual scrape interval. The load is 15 times as fast, so that each sample differs
 * from the one before as much as usual. docs/fleet.md has the results of a run.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startServe } from '../testing/serve-process.ts';
import { startLoad, SPAWNERS } from './fleet/load.ts';
import { startPrometheus, type Prometheus } from './fleet/prometheus.ts';

const MINUTES = Number(process.argv[2] ?? 10);
const RULES = new URL('../dashboards/generated/recording.rules.yml', import.meta.url).pathname;

const folder = mkdtempSync(join(tmpdir(), 'forktax-fleet-'));
const serve = await startServe();
const target = serve.url.replace('http://', '');
const plain = await startPrometheus(join(folder, 'plain'), target, []);
const ruled = await startPrometheus(join(folder, 'ruled'), target, [RULES]);
const load = startLoad();
try {
  await sleep(MINUTES * 60_000);
  await report();
} finally {
  for (const child of load) child.kill();
  for (const { child } of [plain, ruled]) {
    child.kill();
    await once(child, 'exit');
  }
  await serve.stop();
  rmSync(folder, { recursive: true });
}

async function report(): Promise<void> {
  const rows = await plain.number('count(forktax_spawns_total)');
  const ofCosts = `{__name__=~"forktax_(spawn|cow|child|exec|avoidable).*"}`;
  const scraped = {
    spawners: SPAWNERS,
    rows,
    'spawn-cost series': await plain.number(`count(${ofCosts})`),
    'series of forktax itself': await plain.number(`count({__name__=~"forktax_.*"}) - count(${ofCosts})`),
    'series of its process': await plain.number('count({__name__=~"(process|nodejs)_.*"})'),
    'KiB of a scrape': Math.round((await (await fetch(`${serve.url}/metrics`)).arrayBuffer()).byteLength / 1024),
  };
  console.table(scraped);
  const without = await blockOf(plain);
  const withRules = await blockOf(ruled);
  const recorded = {
    series: withRules.series - without.series,
    samples: withRules.samples - without.samples,
    chunkBytes: withRules.chunkBytes - without.chunkBytes,
    indexBytes: withRules.indexBytes - without.indexBytes,
  };
  console.table({ scraped: perSample(without), recorded: perSample(recorded) });
}

type Block = Awaited<ReturnType<Prometheus['snapshot']>>;

async function blockOf(prometheus: Prometheus): Promise<Block> {
  const block = await prometheus.snapshot();
  console.log(JSON.stringify(block));
  return block;
}

function perSample({ series, samples, chunkBytes, indexBytes }: Block) {
  const bytesPerSample = chunkBytes / samples;
  return {
    series,
    'samples of each': Math.round(samples / series),
    'bytes a sample': bytesPerSample.toFixed(2),
    'index bytes a series': Math.round(indexBytes / series),
    'KiB a series and day, 15 s': ((bytesPerSample * 5760) / 1024).toFixed(1),
  };
}
