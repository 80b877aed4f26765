/** Every query of every dashboard has data on a Prometheus that scrapes a live collector under a mixed load. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { startServe, type ServeProcess } from '../../../testing/serve-process.ts';
import { uniqueComm } from '../../../testing/spawnload.ts';
import { panelsOf, type Dashboard, type Panel, type Target } from '../../lint/model.ts';
import type { Labels, Span } from '../../../testing/prometheus-api.ts';
import { replacing, startPrometheus, type Prometheus } from '../../../testing/prometheus.ts';
import { PLACES } from '../../shared/scopes.ts';
import { ALL, fill, labelsOf } from '../../../testing/variables.ts';
import { RECORDING_RULES } from '../../rules/recording.ts';
import { mixedLoad, type Load } from './load.ts';

const STATISTICS = '/proc/sys/kernel/bpf_stats_enabled';
const SCRAPE_SECONDS = 1;

/** Four scrapes, as in Grafana. */
const RATE_INTERVAL = `${4 * SCRAPE_SECONDS}s`;

const comm = uniqueComm();
const statisticsBefore = readFileSync(STATISTICS, 'utf8');
const startedAt = Date.now() / 1000;

/** The memory of another exporter, which would show if that were taken for a collector. */
const OTHERS_MEMORY = 1e15;
const other = createServer((_, response) => {
  response.setHeader('Content-Type', 'text/plain; version=0.0.4');
  response.end(`process_resident_memory_bytes ${OTHERS_MEMORY}\nprocess_start_time_seconds 1\n`);
});

let serve: ServeProcess;
let prometheus: Prometheus;
let load: Load;

const dashboards = ['overview', 'spawner', 'exporter', 'fleet'].map((name): Dashboard =>
  JSON.parse(readFileSync(new URL(`../../generated/${name}.json`, import.meta.url), 'utf8')),
);

async function listening(server: Server): Promise<Server> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

before(async () => {
  // The folded row of the Exporter dashboard shows the probes' own costs.
  writeFileSync(STATISTICS, '1');
  serve = await startServe('--metrics=all');
  load = mixedLoad(comm);
  const { port } = (await listening(other)).address() as AddressInfo;
  const faster = replacing(['_interval: 15s', `_interval: ${SCRAPE_SECONDS}s`]);
  const job = (name: string, to: number) =>
    `  - job_name: ${name}\n    static_configs: [{ targets: ['127.0.0.1:${to}'] }]\n`;
  const config = (text: string) => faster(text) + job('other', port) + job('down', 1);
  prometheus = await startPrometheus([{ address: new URL(serve.url).host }], { config });
});

after(async () => {
  await load.stop();
  other.close();
  await prometheus.stop();
  await serve.stop();
  writeFileSync(STATISTICS, statisticsBefore);
});

const span = (): Span => ({ fromSeconds: startedAt, toSeconds: Date.now() / 1000, stepSeconds: SCRAPE_SECONDS });

/** Fills in variables. The overviews ask for all spawners, as when they open; tests do not know the others on this host. */
const filled = (expr: string, { uid }: Dashboard) =>
  fill(expr, {
    job: ALL,
    instance: ALL,
    comm: /overview|fleet/.test(uid) ? ALL : comm,
    rateInterval: RATE_INTERVAL,
    range: '1m',
  });

/** Gives the labels that a panel shows in its legend or as columns. */
function shownLabels(panel: Panel, target: Target): string[] {
  if (panel.type !== 'table') return labelsOf(target.legendFormat ?? '');
  const organize = panel.transformations?.find(({ id }) => id === 'organize');
  const columns = Object.keys(organize?.options.renameByName ?? {});
  return columns.filter((column) => !column.startsWith('Value #'));
}

/** The load does everything that the Spawner dashboard shows, so no value there may always be 0. */
const isData = ({ uid }: Dashboard) => (uid === 'forktax-spawner' ? (value: number) => value > 0 : Number.isFinite);

const TIMES_COW_FAULTS = /forktax_cow_fault_seconds/;

/** Not every kernel has what times CoW faults. */
const lacksFexit = async (): Promise<boolean> =>
  (await prometheus.api.query('forktax_hook_attached{hook="fexit:do_wp_page"} == 0')).length > 0;

async function seriesWithData(expr: string, dashboard: Dashboard, instant = false): Promise<Labels[]> {
  const lines = instant
    ? (await prometheus.api.query(expr)).map(({ metric, value }) => ({ metric, points: [[0, value] as const] }))
    : await prometheus.api.range(expr, span());
  return lines.filter(({ points }) => points.some(([, value]) => isData(dashboard)(value))).map(({ metric }) => metric);
}

for (const dashboard of dashboards) {
  describe(dashboard.title, () => {
    for (const panel of panelsOf(dashboard)) {
      it(`${panel.title}: data, with the labels that it shows`, async () => {
        assert.ok(panel.targets);
        for (const target of panel.targets) {
          const expr = filled(target.expr, dashboard);
          if (TIMES_COW_FAULTS.test(expr) && (await lacksFexit())) continue;
          const found = await prometheus.api.until(
            () => seriesWithData(expr, dashboard, target.instant),
            (series) => series.length > 0,
          );
          const wanted = shownLabels(panel, target);
          for (const series of found)
            assert.deepEqual(
              wanted.filter((label) => !(label in series)),
              [],
              expr,
            );
          if (wanted.length === 0) assert.equal(found.length, 1, `lines that cannot be told apart: ${expr}`);
        }
      });
    }

    it('has values for each variable, within the choice of those before', async () => {
      for (const { type, name, query } of dashboard.templating.list) {
        // The collector here has no label of cgroups.
        if (type !== 'query' || PLACES.some(([label]) => label === name)) continue;
        const [, selector = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(query ?? '') ?? [];
        assert.equal(label, name);
        const values = await prometheus.api.labelValues(label, filled(selector, dashboard));
        const expected = { job: 'forktax', instance: new URL(serve.url).host, comm }[name];
        assert.ok(expected && values.includes(expected), `${name}: ${values.join(' ')}`);
      }
    });
  });
}

describe('dashboards', () => {
  it('show single spawns as exemplars', async () => {
    const exprs = dashboards.flatMap((dashboard) =>
      panelsOf(dashboard).flatMap(({ targets = [] }) =>
        targets.filter(({ exemplar }) => exemplar).map(({ expr }) => filled(expr, dashboard)),
      ),
    );
    assert.equal(exprs.length, 4);
    for (const expr of exprs) {
      const found = await prometheus.api.until(
        () => prometheus.api.exemplars(expr, span()),
        (exemplars) => exemplars.length > 0,
      );
      for (const { labels, value } of found) {
        assert.match(labels['pid'] ?? '', /^\d+$/);
        assert.ok(value > 0);
      }
    }
  });

  it('leave out what else Prometheus scrapes', async () => {
    const ask = (text: string) => prometheus.api.query(text);
    await prometheus.api.until(
      () => ask('process_resident_memory_bytes{job="other"} and on () up{job="down"}'),
      (found) => found.length > 0,
    );
    const [overview, , exporter] = dashboards;
    assert.ok(overview && exporter);
    const valueOf = async (dashboard: Dashboard, title: string, index = 0) => {
      const panel = panelsOf(dashboard).find((one) => one.title === title);
      const [sample] = await ask(filled(panel?.targets?.[index]?.expr ?? '', dashboard));
      return sample?.value;
    };
    // On a busy machine a scrape of the collector itself may fail.
    await prometheus.api.until(
      async () => [
        await valueOf(overview, 'Collectors'),
        await valueOf(overview, 'Collectors', 1),
        await valueOf(exporter, 'Not measuring'),
      ],
      ([collectors, down, silent]) => collectors === 1 && down === 0 && silent === 0,
    );
    assert.ok(Number(await valueOf(exporter, 'Memory of a collector')) < OTHERS_MEMORY);
    assert.equal((await ask(filled(exporter.annotations?.list?.[0]?.expr ?? '', exporter))).length, 1);
  });

  it('mark where the collector restarted', async () => {
    const [overview] = dashboards;
    const [starts] = overview?.annotations?.list ?? [];
    assert.ok(overview && starts?.expr);
    const expr = filled(starts.expr, overview);
    const { host } = new URL(serve.url);
    const startsOf = async () => (await prometheus.api.query(expr)).map(({ value }) => value);
    const [first = 0] = await prometheus.api.until(startsOf, (values) => values.length === 1);
    assert.ok(Math.abs(first / 1000 - startedAt) < 60, `the collector started at ${first}, the test at ${startedAt}`);
    await serve.stop();
    serve = await startServe(`--web.listen-address=${host}`);
    await prometheus.api.until(startsOf, ([second = 0]) => second > first);
  });
});

const NATIVE_STALLS = 'job_comm:forktax_spawn_stall_seconds:rate5m';

describe('recording rules', () => {
  // This Prometheus does not ask for native histograms, so the series recorded from them have no data.
  for (const { record } of RECORDING_RULES.filter((rule) => rule.record !== NATIVE_STALLS)) {
    it(`${record} has data, and no instance`, async () => {
      const chosen = record.startsWith('job_comm') ? `${record}{comm="${comm}"}` : record;
      const found = await prometheus.api.until(
        () => prometheus.api.query(chosen),
        (samples) => samples.length > 0,
      );
      const level = record.split(':')[0]?.split('_');
      for (const { metric } of found) {
        const { __name__: name, ...labels } = metric;
        assert.equal(name, record);
        assert.deepEqual(Object.keys(labels).toSorted(), level?.toSorted());
      }
    });
  }
});
