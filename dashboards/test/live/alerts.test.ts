/**
 * Alerts fire on the costs of real spawns, and clear afterwards. Thresholds are the deployed ones; only time is faster: 6
 * seconds for 5 minutes, and no delay.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startServe, type ServeProcess } from '../../../testing/serve-process.ts';
import { spawnload, uniqueComm } from '../../../testing/spawnload.ts';
import { replacing, startPrometheus, type Prometheus } from '../../../testing/prometheus.ts';
import { LARGE_FORK_BYTES } from '../../rules/thresholds.ts';
import { loadOf, type Load } from './load.ts';

const WINDOW_SECONDS = 6;

let serve: ServeProcess;
let prometheus: Prometheus;

before(async () => {
  serve = await startServe();
  prometheus = await startPrometheus([{ address: new URL(serve.url).host }], {
    config: replacing(['_interval: 15s', '_interval: 1s']),
    rules: (text) =>
      text
        .replaceAll(/^ +for: .*\n/gm, '')
        .replaceAll(/\[5m\]|offset 5m/g, (range) => range.replace('5m', `${WINDOW_SECONDS}s`)),
  });
  await prometheus.api.until(
    () => prometheus.api.query('forktax_up'),
    (found) => found.length > 0,
  );
});

after(async () => {
  await prometheus.stop();
  await serve.stop();
});

/** Gives the alerts of one spawner. Other spawners on the host may have alerts too. */
async function firing(comm: string) {
  const alerts = await prometheus.api.alerts();
  return alerts.filter(({ labels, state }) => labels['comm'] === comm && state === 'firing');
}

const namesFor = async (comm: string) => new Set((await firing(comm)).map(({ labels }) => labels['alertname'] ?? ''));
/** Gives the alert as it is when it is first seen: that of a single spawn is over in seconds. */
const firesFor = async (comm: string, name: string) =>
  (
    await prometheus.api.until(
      async () => (await firing(comm)).filter(({ labels }) => labels['alertname'] === name),
      (found) => found.length > 0,
    )
  )[0];
const clearsFor = (comm: string) =>
  prometheus.api.until(
    () => namesFor(comm),
    (names) => names.size === 0,
  );

async function during<T>(load: Load, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } finally {
    await load.stop();
  }
}

describe('alerts on a live host', { concurrency: true }, () => {
  it('a fork of a large process', async () => {
    const comm = uniqueComm();
    const truth = await spawnload('--comm', comm, '--rss', LARGE_FORK_BYTES + (64 << 20), '--count', 1);
    assert.ok(truth.rssBytes.min > LARGE_FORK_BYTES);
    const alert = await firesFor(comm, 'ForktaxLargeFork');
    assert.equal(
      alert?.annotations['summary'],
      `${comm} on ${new URL(serve.url).host} forked with more than 1GiB of resident memory`,
    );
    assert.equal(alert?.annotations['runbook'], 'docs/runbooks/ForktaxLargeFork.md');
    assert.match(alert?.annotations['dashboard'] ?? '', new RegExp(`&var-comm=${comm}$`));
    await clearsFor(comm);
  });

  it('forks of a process that is not large are none', async () => {
    const comm = uniqueComm();
    await spawnload('--comm', comm, '--rss', 64 << 20, '--count', 1);
    const series = `forktax_spawn_copied_rss_bytes_count{comm="${comm}"}`;
    await prometheus.api.until(
      () => prometheus.api.query(`${series} offset ${WINDOW_SECONDS}s`),
      (found) => found.length > 0,
    );
    const ever = await prometheus.api.query(`max_over_time(ALERTS{alertname="ForktaxLargeFork", comm="${comm}"}[1m])`);
    assert.deepEqual(ever, []);
  });

  it('stalls that are long, and add up', async () => {
    const comm = uniqueComm();
    // The caller of vfork stands still while its child neither calls exec nor exits.
    const load = loadOf([['--comm', comm, '--mechanism', 'vfork', '--no-exec', '--child-lifetime', 250, '--rate', 2]]);
    await during(load, async () => {
      await firesFor(comm, 'ForktaxStallHigh');
      await firesFor(comm, 'ForktaxTimeStoodStill');
    });
    await clearsFor(comm);
  });

  it('spawns and execs that fail', async () => {
    const spawner = uniqueComm();
    const execer = uniqueComm();
    const load = loadOf([
      ['--comm', spawner, '--nproc-limit', '--uid', 65_533, '--rate', 5],
      ['--comm', execer, '--exec-missing', '--rate', 5],
    ]);
    await during(load, async () => {
      await firesFor(spawner, 'ForktaxSpawnFailures');
      await firesFor(execer, 'ForktaxExecFailures');
    });
    await clearsFor(spawner);
    await clearsFor(execer);
  });
});

describe('alerts on the collector', () => {
  const names = async () => new Set((await prometheus.api.alerts()).map(({ labels }) => labels['alertname']));

  it('one that is down', async () => {
    const { host } = new URL(serve.url);
    // On a busy machine a scrape may fail, which is an alert until the next one.
    await prometheus.api.until(names, (found) => !found.has('ForktaxCollectorDown'));
    await serve.stop();
    await prometheus.api.until(names, (found) => found.has('ForktaxCollectorDown'));
    serve = await startServe(`--web.listen-address=${host}`);
    await prometheus.api.until(names, (found) => !found.has('ForktaxCollectorDown'));
  });

  it('one whose table is full', async () => {
    const small = await startServe('--max-spawners=1');
    prometheus.setTargets([{ address: new URL(small.url).host }]);
    await spawnload('--comm', uniqueComm(), '--count', 1);
    await spawnload('--comm', uniqueComm(), '--count', 1);
    await prometheus.api.until(names, (found) => found.has('ForktaxTableFull'));
    await small.stop();
    prometheus.setTargets([]);
    await prometheus.api.until(names, (found) => found.has('ForktaxCollectorDown') && !found.has('ForktaxTableFull'));
    prometheus.setTargets([{ address: new URL(serve.url).host }]);
    await prometheus.api.until(names, (found) => !found.has('ForktaxCollectorDown'));
  });
});
