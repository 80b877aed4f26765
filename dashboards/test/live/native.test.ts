/**
 * A Prometheus that takes native histograms scrapes a live collector: counts and sums are exact, quantiles within the error of
 * the schema, and dashboards, rules and alerts have the same data as with classic histograms.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { parseFamilies } from '../../../testing/parse-protobuf.ts';
import { valueOf } from '../../../testing/parse-metrics.ts';
import { replacing, startPrometheus, type Prometheus } from '../../../testing/prometheus.ts';
import { startServe, type ServeProcess } from '../../../testing/serve-process.ts';
import { spawnload, uniqueComm } from '../../../testing/spawnload.ts';
import { ALL, fill } from '../../../testing/variables.ts';
import type { Truth } from '../../../native/spawnload/spawnload.ts';
import { panelsOf, type Dashboard } from '../../lint/model.ts';
import { mixedLoad, type Load } from './load.ts';

const COUNT = 60;
/** Neighbouring bounds of the schema of sizes, 1, and of times, 2. */
const SIZE_STEP = Math.sqrt(2);
const TIME_STEP = 2 ** 0.25;

const PROTOBUF = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';

const mixed = uniqueComm();
const forks = uniqueComm();
const large = uniqueComm();

let serve: ServeProcess;
let prometheus: Prometheus;
let load: Load;
let truth: Truth;

const valueNow = async (expr: string) => (await prometheus.api.query(expr))[0]?.value;
/** On a busy machine a scrape may fail, and a series has no value then. */
const valueOnce = (expr: string) =>
  prometheus.api.until(
    () => valueNow(expr),
    (value) => value !== undefined,
  );

/** Values or histograms, whichever the query gives. */
async function answers(expr: string): Promise<number> {
  const url = `http://${prometheus.address}/api/v1/query?${new URLSearchParams({ query: expr }).toString()}`;
  const { status, data, error } = (await (await fetch(url)).json()) as {
    status: string;
    data?: { result: { value?: [number, string]; histogram?: [number, object] }[] };
    error?: string;
  };
  assert.equal(status, 'success', `${expr}: ${error}`);
  return (data?.result ?? []).filter(({ value, histogram }) => histogram ?? Number.isFinite(Number(value?.[1]))).length;
}

before(async () => {
  serve = await startServe('--metrics=all');
  load = mixedLoad(mixed);
  const config = replacing(['_interval: 15s', '_interval: 1s']);
  const target = { address: new URL(serve.url).host };
  prometheus = await startPrometheus([target], { config, features: ['native-histograms'] });
  truth = await spawnload('--comm', forks, '--count', COUNT, '--rss', 64 << 20);
  await spawnload('--comm', large, '--count', 1, '--rss', 1100 * 2 ** 20);
  await prometheus.api.until(
    () => valueNow(`histogram_count(sum(forktax_spawn_stall_seconds{comm="${forks}"}))`),
    (count) => count === COUNT,
  );
});

after(async () => {
  await load.stop();
  await prometheus.stop();
  await serve.stop();
});

describe('native histograms', () => {
  it('take the place of classic buckets, sums and counts', async () => {
    assert.equal(await answers('{__name__=~"forktax_.*_(bucket|sum|count)"}'), 0);
    assert.deepEqual(
      (await prometheus.api.targets()).map(({ health, lastError }) => [health, lastError]),
      [['up', '']],
    );
  });

  it('have exactly the counts and sums of the text', async () => {
    const samples = await serve.scrape();
    for (const name of [
      'forktax_spawn_stall_seconds',
      'forktax_spawn_copied_rss_bytes',
      'forktax_exec_delay_seconds',
      'forktax_child_lifetime_seconds',
    ]) {
      for (const part of ['count', 'sum'] as const) {
        const expected = valueOf(samples, `${name}_${part}`, { comm: forks });
        await prometheus.api.until(
          () => valueNow(`histogram_${part}(${name}{comm="${forks}"})`),
          (value) => value === expected,
        );
      }
    }
    assert.equal(valueOf(samples, 'forktax_spawn_stall_seconds_count', { comm: forks }), truth.spawned);
  });

  it('give quantiles within the error of the schema', async () => {
    const rss = (q: number) => valueOnce(`histogram_quantile(${q}, forktax_spawn_copied_rss_bytes{comm="${forks}"})`);
    const stall = (q: number) => valueOnce(`histogram_quantile(${q}, forktax_spawn_stall_seconds{comm="${forks}"})`);
    const stalls = truth.spawns.map(({ stallNs }) => stallNs / 1e9).toSorted((a, b) => a - b);
    for (const q of [0.5, 0.9, 0.99]) {
      const bytes = (await rss(q)) ?? 0;
      assert.ok(bytes >= truth.rssBytes.min / SIZE_STEP && bytes <= truth.rssBytes.max * SIZE_STEP, `${q}: ${bytes}`);
      // The generator's own clock runs around the call, so it may only have measured more.
      const most = stalls[Math.ceil(q * COUNT) - 1] ?? 0;
      const seconds = (await stall(q)) ?? NaN;
      assert.ok(seconds > 0 && seconds <= most * TIME_STEP, `${q}: ${seconds} of ${most}`);
    }
  });

  it('agree with the buckets of the text', async () => {
    const samples = (await serve.scrape()).filter(({ labels }) => labels['comm'] === forks);
    const buckets = samples.filter(({ name }) => name === 'forktax_spawn_stall_seconds_bucket');
    for (const q of [0.5, 0.99]) {
      const at = buckets.findIndex(({ value }) => value >= q * COUNT);
      const [lower, upper] = [buckets[at - 1], buckets[at]].map((bucket) => Number(bucket?.labels['le'] ?? 0));
      const seconds =
        (await valueOnce(`histogram_quantile(${q}, forktax_spawn_stall_seconds{comm="${forks}"})`)) ?? NaN;
      assert.ok(seconds >= (lower ?? 0) && seconds <= (upper ?? 0), `${q}: ${seconds} in (${lower}, ${upper}]`);
    }
  });

  it('carry exemplars with the pid', async () => {
    const span = { fromSeconds: 0, toSeconds: Date.now() / 1000 + 60, stepSeconds: 1 };
    // Prometheus 3.5 takes those of one series of each scrape.
    const found = await prometheus.api.until(
      () => prometheus.api.exemplars('forktax_spawn_stall_seconds', span),
      (exemplars) => exemplars.length > 0,
    );
    for (const { labels, value } of found) assert.ok(Number(labels['pid']) > 0 && value > 0);
  });

  it('are recorded by the rules, and federated', async () => {
    await prometheus.api.until(
      () => valueNow(`histogram_count(job_comm:forktax_spawn_stall_seconds:rate5m{comm="${mixed}"})`),
      (perSecond) => (perSecond ?? 0) > 0,
    );
    assert.equal(await answers('job_comm_le:forktax_spawn_stall_seconds_bucket:rate5m'), 0);
    const query = new URLSearchParams({ 'match[]': '{__name__=~"job_comm.*:.*"}' }).toString();
    const answer = await fetch(`http://${prometheus.address}/federate?${query}`, { headers: { accept: PROTOBUF } });
    const families = parseFamilies(new Uint8Array(await answer.arrayBuffer()));
    assert.ok(families.some(({ name }) => name === 'job_comm:forktax_spawn_stall_seconds:rate5m'));
  });

  it('tell of a large fork', async () => {
    await prometheus.api.until(
      () => prometheus.api.alerts(),
      (alerts) => alerts.some(({ labels }) => labels['alertname'] === 'ForktaxLargeFork' && labels['comm'] === large),
    );
    const alerts = await prometheus.api.alerts();
    const small = alerts.filter(({ labels }) => labels['alertname'] === 'ForktaxLargeFork' && labels['comm'] === forks);
    assert.deepEqual(small, []);
  });
});

for (const name of ['overview', 'spawner', 'exporter', 'fleet']) {
  const dashboard: Dashboard = JSON.parse(
    readFileSync(new URL(`../../generated/${name}.json`, import.meta.url), 'utf8'),
  );
  describe(dashboard.title, () => {
    for (const panel of panelsOf(dashboard)) {
      const targets =
        panel.targets?.filter(({ expr }) => expr.includes('_seconds') || expr.includes('_rss_bytes')) ?? [];
      const histograms = targets.filter(({ expr }) =>
        /forktax_(spawn_stall|spawn_copied|exec_delay|child_life)/.test(expr),
      );
      if (histograms.length === 0) continue;
      it(`${panel.title}: data of native histograms`, async () => {
        for (const { expr } of histograms) {
          const rateInterval = '5s';
          const comm = /overview|fleet/.test(dashboard.uid) ? ALL : mixed;
          const filled = fill(expr, { job: ALL, instance: ALL, comm, rateInterval, range: '1m' });
          await prometheus.api.until(
            () => answers(filled),
            (count) => count > 0,
          );
        }
      });
    }
  });
}
