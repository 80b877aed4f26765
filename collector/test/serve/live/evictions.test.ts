/** Rows that make room in a full table are no spawns: Prometheus counts what the generator did, and nothing else. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Snapshot } from '../../../model/snapshot.ts';
import { OPEN_WEB_CONFIG } from '../../../serve/config/web.ts';
import { listen } from '../../../serve/http/listen.ts';
import { openEngine } from '../../../../testing/engines.ts';
import { apiOf } from '../../../../testing/prometheus-api.ts';
import { spawnPrometheus } from '../../../../testing/prometheus-process.ts';
import { spawnload, uniqueComm } from '../../../../testing/spawnload.ts';
import { buildTestApp } from '../../../../testing/test-app.ts';

const BUSY_PROCESSES = 3;
const ROUNDS = 4;
/** One busy spawn each, and then one of a process that ends. */
const ROUND_SECONDS = 9;

/** Two that scrape the same exporter, each in its own time. */
const SCRAPE_SECONDS = [1, 3];

const configFor = (address: string) =>
  JSON.stringify({
    scrape_configs: SCRAPE_SECONDS.map((seconds) => ({
      job_name: `every-${seconds}s`,
      scrape_interval: `${seconds}s`,
      static_configs: [{ targets: [address] }],
    })),
  });

/** Whether there were so many spawns, and the rows of the busy processes are in the table, and no other. */
function areBusy({ rows, health }: Snapshot, spawns: number): boolean {
  return health.tableRows === BUSY_PROCESSES && rows.reduce((sum, row) => sum + row.spawns, 0) >= spawns;
}

test('evictions are no step for increase(), and every sum is whole', async () => {
  const comm = uniqueComm();
  const folder = mkdtempSync(join(tmpdir(), 'forktax-evictions-'));
  // With the row of a process that ended the table is full, and the busy ones are idle most of a round.
  using engine = openEngine({ maxSpawners: BUSY_PROCESSES + 1, idleMs: 4_000, label: 'pid', filter: { comm } });
  const listening = await listen(buildTestApp({ engine }), ['127.0.0.1:0'], () => OPEN_WEB_CONFIG);
  const [address = ''] = listening.addresses;
  writeFileSync(join(folder, 'prometheus.yml'), configFor(address));
  const prometheus = await spawnPrometheus(folder);
  const api = apiOf(`http://${prometheus.address}`);
  const spawns = ROUNDS * (BUSY_PROCESSES + 1);
  const everyJob = (jobs: readonly unknown[]) => jobs.length === SCRAPE_SECONDS.length;
  try {
    await api.until(() => api.query('up == 1'), everyJob);
    const fromSeconds = Date.now() / 1000;
    const often = ['--no-exec', '--child-lifetime', 1_000 * ROUND_SECONDS];
    const busy = Array.from({ length: BUSY_PROCESSES }, () =>
      spawnload('--mechanism', 'fork', '--comm', comm, '--count', ROUNDS, ...often),
    );
    for (let before = 0; before < spawns; before += BUSY_PROCESSES + 1) {
      // A snapshot removes the row of the process that ended in the round before, but not until the busy ones are back.
      while (!areBusy(engine.snapshot(), before + BUSY_PROCESSES)) await sleep(500);
      await spawnload('--mechanism', 'fork', '--comm', comm);
    }
    await Promise.all(busy);
    await api.until(() => api.query(`sum by (job) (forktax_spawns_total) == ${spawns}`), everyJob);
    const { rowsEvicted, rowsFolded } = engine.snapshot().health;
    assert.ok(
      rowsEvicted >= ROUNDS - 1 + ROUNDS,
      'in each round a busy row left besides that of the process that ended',
    );
    assert.equal(rowsFolded, 0, 'each new row found room');

    // No increase() has what a series had when Prometheus first saw it.
    const seen = BUSY_PROCESSES * (ROUNDS - 1);
    const steps = await api.query(
      'sum by (job) (max_over_time(forktax_spawns_total[5m]) - min_over_time(forktax_spawns_total[5m]))',
    );
    assert.deepEqual(
      steps.map(({ value }) => value),
      [seen, seen],
    );
    for (const { metric, value } of await api.query('sum by (job) (increase(forktax_spawns_total[5m]))'))
      // It extends what it saw of each series by up to half the mean time between two samples, on both sides.
      assert.ok(value >= seen && value <= 2 * seen, `${metric['job']}: increase() says ${value}, not ${seen}`);
    const evicted = await api.query('sum by (job) (increase(forktax_spawns_total{comm="(evicted)"}[5m]))');
    assert.deepEqual(
      evicted.map(({ value }) => value),
      [0, 0],
    );

    const span = { fromSeconds, toSeconds: Date.now() / 1000, stepSeconds: 1 };
    for (const { metric, points } of await api.range('sum by (job) (forktax_spawns_total)', span))
      for (const [i, [, value]] of points.entries())
        assert.ok(value >= (points[i - 1]?.[1] ?? 0), `${metric['job']}: the sum of all series went back to ${value}`);
  } finally {
    const exited = once(prometheus.child, 'exit');
    prometheus.child.kill();
    await exited;
    await listening.close();
    rmSync(folder, { recursive: true });
  }
});
