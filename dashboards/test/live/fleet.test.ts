/**
 * Runs three collectors, each in its own network namespace as on three hosts, and one Prometheus that finds them through a
 * file. They share one kernel, so each measures only one process, its own.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { startCli, type CliProcess } from '../../../testing/run-cli.ts';
import { prepareSpawnload, type ReadySpawnload, type Truth } from '../../../native/spawnload/spawnload.ts';
import { panelsOf, type Dashboard } from '../../lint/model.ts';
import { addNetworkHost, type NetworkHost } from '../../../testing/hosts.ts';
import { replacing, startPrometheus, type Prometheus } from '../../../testing/prometheus.ts';
import { ALL, fill } from '../../../testing/variables.ts';

interface Host {
  readonly name: string;
  readonly network: NetworkHost;
  readonly load: ReadySpawnload;
  readonly collector: CliProcess;
}

/** The loads last for seconds, so that rates have values. */
const LOADS = [
  ['--comm', 'fleet-web', '--mechanism', 'fork', '--rss', 8 << 20, '--parent-touch', 3, '--count', 30, '--rate', 10],
  ['--comm', 'fleet-web', '--mechanism', 'posix_spawn', '--count', 40, '--rate', 10],
  ['--comm', 'fleet-job', '--mechanism', 'fork', '--exec-missing', '--count', 50, '--rate', 10],
];

let hosts: Host[];
let truths: Truth[];
let prometheus: Prometheus;

async function startHost(load: readonly (string | number)[], index: number): Promise<Host> {
  const network = addNetworkHost(index);
  const ready = await prepareSpawnload(load.map(String));
  const collector = startCli(['serve', `--web.listen-address=${network.address}`, `--pid=${ready.pid}`], network.enter);
  await collector.said('msg=listening');
  return { name: `host-${index}`, network, load: ready, collector };
}

const sumOf = async (expr: string) => {
  const [sample] = await prometheus.api.query(expr);
  return sample?.value;
};
/** On a busy machine a scrape may fail, and a series has no value then. */
const sumOnce = (expr: string) =>
  prometheus.api.until(
    () => sumOf(expr),
    (sum) => sum !== undefined,
  );
const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

before(async () => {
  hosts = await Promise.all(LOADS.map(startHost));
  const targets = hosts.map(({ network, name }) => ({ address: network.address, labels: { instance: name } }));
  prometheus = await startPrometheus(targets, { config: replacing(['_interval: 15s', '_interval: 1s']) });
  await prometheus.api.until(
    () => sumOf('count(forktax_up == 1)'),
    (count) => count === hosts.length,
  );
  truths = await Promise.all(hosts.map(({ load }) => load.go()));
  await prometheus.api.until(
    () => sumOf('sum(forktax_execs_total) + sum(forktax_exec_failures_total)'),
    (count) => count === total(truths.map(({ spawned }) => spawned)),
  );
});

after(async () => {
  await prometheus.stop();
  for (const { collector } of hosts) collector.child.kill();
  await Promise.all(hosts.map(({ collector }) => collector.result));
  for (const { network } of hosts) network.remove();
});

describe('three collectors', () => {
  it('are found by the file, and healthy', async () => {
    const found = (await prometheus.api.targets()).map(({ health, lastError, labels }) => [
      labels['instance'],
      health,
      lastError,
    ]);
    assert.deepEqual(
      found.toSorted(),
      hosts.map(({ name }) => [name, 'up', '']),
    );
  });

  it('have each seen its own spawns, and no others', async () => {
    for (const [index, { name }] of hosts.entries()) {
      assert.equal(await sumOnce(`sum(forktax_spawns_total{instance="${name}"})`), truths[index]?.spawned);
    }
  });

  it('add up to the truth', async () => {
    const [web, webVfork, job] = truths;
    assert.ok(web && webVfork && job);
    const facts: readonly (readonly [expr: string, expected: number])[] = [
      ['sum(forktax_spawns_total)', 30 + 40 + 50],
      ['sum(forktax_spawns_total{comm="fleet-web"})', 30 + 40],
      ['sum(forktax_spawns_total{mechanism="fork"})', 30 + 50],
      ['sum(forktax_spawn_stall_seconds_bucket{le="+Inf"})', 30 + 40 + 50],
      ['sum(forktax_exec_failures_total{errno="ENOENT"})', job.execFailures['ENOENT'] ?? NaN],
      ['sum(forktax_spawn_copied_rss_bytes_bucket{mechanism="fork", comm="fleet-web", le="2.097152e+06"})', 0],
      ['sum(forktax_spawn_copied_rss_bytes_bucket{mechanism="fork", comm="fleet-web", le="1.6777216e+07"})', 30],
    ];
    for (const [expr, expected] of facts)
      await prometheus.api.until(
        () => sumOf(expr),
        (sum) => sum === expected,
      );
  });

  it('add up on every panel of the fleet that is a sum', async () => {
    const overview: Dashboard = JSON.parse(
      readFileSync(new URL('../../generated/overview.json', import.meta.url), 'utf8'),
    );
    const sums = panelsOf(overview)
      .flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
      .filter((expr) => /^sum( by \(\w+\) )?\(rate\([^()]*\)\)$/.test(expr));
    assert.ok(sums.length >= 8, sums.join('\n'));
    // This time is in the past, so that no scrape can still add to it.
    const at = Date.now() / 1000 - 2;
    const of = (expr: string, instance: string) =>
      prometheus.api.query(fill(expr, { job: ALL, instance, comm: ALL, rateInterval: '1m', range: '1m' }), at);
    for (const expr of sums) {
      const each = (await Promise.all(hosts.map(({ name }) => of(expr, name)))).flat();
      const fleet = await of(expr, ALL);
      assert.ok(fleet.length > 0, expr);
      if (expr.includes('forktax_spawns_total'))
        assert.ok(
          fleet.some(({ value }) => value > 0),
          'nothing to add up',
        );
      for (const { metric, value } of fleet) {
        const parts = each.filter((part) => JSON.stringify(part.metric) === JSON.stringify(metric));
        // Prometheus adds floating-point numbers in any order.
        assert.ok(Math.abs(total(parts.map((part) => part.value)) - value) <= 1e-12 * Math.abs(value), expr);
      }
    }
  });

  it('are three to the recording rules, which forget their names', async () => {
    const [up] = await prometheus.api.until(
      () => prometheus.api.query('job:forktax_up:sum'),
      ([sample]) => sample?.value === hosts.length,
    );
    assert.deepEqual(up?.metric, { __name__: 'job:forktax_up:sum', job: 'forktax' });
  });
});
