/**
 * Measures what the series of a host cost a Prometheus, with classic and with native histograms: their number, and their
 * bytes on disk. `npm run bench:fleet`.
 * One second stands for the 15 seconds of a usual scrape interval. The load is 15 times as fast, so that each sample differs
 * from the one before as much as usual. A busy machine cannot scrape so often, and needs more SECONDS. docs/fleet.md has the results of a run.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CONTENT_TYPES } from '../collector/serve/metrics/formats.ts';
import { startServe } from '../testing/serve-process.ts';
import { numberOf, scriptFlags, wrongFlag } from '../testing/script-flags.ts';
import { startLoad, SPAWNERS } from './fleet/load.ts';
import { startPrometheus, type Prometheus } from './fleet/prometheus.ts';

const USAGE = `npm run bench:fleet -- [MINUTES [SECONDS]]
MINUTES: how long it runs; 10 unless given. SECONDS: between scrapes; 1 unless given.`;
const [minutes = '10', seconds = '1', ...more] = scriptFlags(USAGE, { allowPositionals: true }).positionals;
if (more.length > 0) wrongFlag(`Unexpected argument '${more[0]}'`);
const MINUTES = numberOf('MINUTES', minutes, 0);
const SECONDS = numberOf('SECONDS', seconds);
const RULES = new URL('../dashboards/generated/recording.rules.yml', import.meta.url).pathname;

const KINDS = ['classic', 'native'] as const;

const folder = mkdtempSync(join(tmpdir(), 'forktax-fleet-'));
const serve = await startServe();
const target = serve.url.replace('http://', '');
const pairs = await Promise.all(KINDS.map(startPair));
const load = startLoad();
try {
  await sleep(MINUTES * 60_000);
  for (const pair of pairs) await report(pair);
} finally {
  for (const child of load) child.kill();
  for (const { child } of pairs.flatMap(({ plain, ruled }) => [plain, ruled])) {
    child.kill();
    await once(child, 'exit');
  }
  await serve.stop();
  rmSync(folder, { recursive: true });
}

interface Pair {
  readonly kind: (typeof KINDS)[number];
  readonly plain: Prometheus;
  /** Has the recording rules. */
  readonly ruled: Prometheus;
}

async function startPair(kind: Pair['kind']): Promise<Pair> {
  const native = kind === 'native';
  const plain = await startPrometheus(join(folder, `${kind}-plain`), { target, rules: [], native, seconds: SECONDS });
  const ruled = await startPrometheus(join(folder, `${kind}-ruled`), {
    target,
    rules: [RULES],
    native,
    seconds: SECONDS,
  });
  return { kind, plain, ruled };
}

async function report({ kind, plain, ruled }: Pair): Promise<void> {
  const ofCosts = `{__name__=~"forktax_(spawn|cow|child|exec|avoidable).*"}`;
  const ofTarget = ['up', 'scrape_.*'].map((name) => `count({__name__=~"${name}"})`).join(' + ');
  const accept = CONTENT_TYPES[kind === 'native' ? 'protobuf' : 'text'];
  const scrape = await fetch(`${serve.url}/metrics`, { headers: { accept } });
  console.log(kind);
  console.table({
    spawners: SPAWNERS,
    rows: await plain.number('count(forktax_spawns_total)'),
    'spawn-cost series': await plain.number(`count(${ofCosts})`),
    'series of forktax itself': await plain.number(`count({__name__=~"forktax_.*"}) - count(${ofCosts})`),
    'series of its process': await plain.number('count({__name__=~"(process|nodejs)_.*"})'),
    'series of the target': await plain.number(ofTarget),
    'KiB of a scrape': Math.round((await scrape.arrayBuffer()).byteLength / 1024),
  });
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
