/** Debian's Prometheus scrapes a live exporter, with TLS and a password, and answers questions. */
import assert from 'node:assert/strict';
import { spawnSync, type ChildProcess } from 'node:child_process';
import { hashSync } from 'bcryptjs';
import { once } from 'node:events';
import { get } from 'node:https';
import { readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { spawnPrometheus } from '../../../../testing/prometheus-process.ts';
import { spawnload, uniqueComm } from '../../../../testing/spawnload.ts';
import { createCertificates } from './certificates.ts';
import { startServe, type ServeProcess } from '../../../../testing/serve-process.ts';

const certificates = createCertificates();
certificates.issue('server', 'IP:127.0.0.1');
const { folder } = certificates;
const comm = uniqueComm();

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

let serve: ServeProcess;
let prometheus: ChildProcess;
let api: string;

function config(target: string): string {
  return JSON.stringify({
    global: { scrape_interval: '1s' },
    scrape_configs: [
      {
        job_name: 'forktax',
        scheme: 'https',
        tls_config: { ca_file: join(folder, 'ca.crt') },
        basic_auth: { username: 'prometheus', password: 'secret' },
        static_configs: [{ targets: [target] }],
      },
    ],
  });
}

async function startPrometheus(): Promise<void> {
  const { child, address } = await spawnPrometheus(folder, ['--enable-feature=exemplar-storage']);
  prometheus = child;
  api = `http://${address}/api/v1`;
}

async function ask<T>(path: string, parameters: Record<string, string> = {}): Promise<T> {
  const response = await fetch(`${api}/${path}?${new URLSearchParams(parameters).toString()}`);
  const { status, data, error } = (await response.json()) as { status: string; data: T; error?: string };
  assert.equal(status, 'success', `${JSON.stringify(parameters)}: ${error}`);
  return data;
}

const query = async (text: string) => (await ask<{ result: Series[] }>('query', { query: text })).result;

/** Prometheus scrapes when it likes. */
async function queryUntil(text: string, enough: (result: readonly Series[]) => boolean): Promise<readonly Series[]> {
  for (;;) {
    const result = await query(text);
    if (enough(result)) return result;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function scrape(): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { ca: certificates.read('ca.crt'), auth: 'prometheus:secret' };
    const request = get(`${serve.url}/metrics`, options, (response) => {
      response.toArray().then((chunks) => resolve(chunks.map(String).join('')), reject);
    });
    request.on('error', reject);
  });
}

before(async () => {
  const web = {
    tls_server_config: { cert_file: 'server.crt', key_file: 'server.key' },
    basic_auth_users: { prometheus: hashSync('secret', 4) },
  };
  writeFileSync(join(folder, 'web.yml'), JSON.stringify(web));
  serve = await startServe(`--web.config.file=${join(folder, 'web.yml')}`);
  writeFileSync(join(folder, 'prometheus.yml'), config(serve.url.replace('https://', '')));
  await startPrometheus();
  // rate() needs the series before and after.
  await spawnload('--comm', comm, '--count', 10, '--rss', 16 << 20);
  await queryUntil(`forktax_spawns_total{comm="${comm}"}`, (result) => result.length > 0);
  await spawnload('--comm', comm, '--count', 20, '--rss', 16 << 20, '--exec-missing');
  await queryUntil(`forktax_spawns_total{comm="${comm}"}`, ([series]) => series?.value[1] === '30');
});

after(async () => {
  prometheus.kill();
  await once(prometheus, 'exit');
  await serve.stop();
  await rm(folder, { recursive: true });
});

describe('Prometheus', () => {
  it('finds nothing wrong', async () => {
    // On a busy machine a scrape may take longer than it may, and the next one does not.
    for (;;) {
      const { activeTargets } = await ask<{ activeTargets: { health: string; lastError: string }[] }>('targets');
      const [target, ...others] = activeTargets.map(({ health, lastError }) => [health, lastError]);
      assert.deepEqual(others, []);
      if (target?.[1]?.includes('context deadline exceeded') !== true) return assert.deepEqual(target, ['up', '']);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });

  it('knows every metric, its kind and its meaning', async () => {
    const metadata = await ask<Record<string, { type: string; help: string }[]>>('metadata');
    const kinds = Object.fromEntries(Object.entries(metadata).map(([name, [first]]) => [name, first?.type]));
    assert.equal(kinds['forktax_spawns'], 'counter');
    assert.equal(kinds['forktax_spawn_stall_seconds'], 'histogram');
    assert.equal(kinds['forktax_up'], 'gauge');
    assert.equal(kinds['process_cpu_seconds'], 'counter');
  });

  it('counts what was spawned', async () => {
    // After a scrape that took too long a series has no value.
    const values = async (text: string) =>
      (await queryUntil(text, (result) => result.length > 0)).map(({ value }) => Number(value[1]));
    const failures = await values(`increase(forktax_exec_failures_total{comm="${comm}",errno="ENOENT"}[5m]) > 0`);
    assert.equal(failures.length, 1);
    assert.deepEqual(await values(`sum(forktax_spawn_stall_seconds_bucket{comm="${comm}",le="+Inf"})`), [30]);
    assert.deepEqual(
      await values(`sum(forktax_spawn_copied_rss_bytes_bucket{comm="${comm}",le="1.6777216e+07"})`),
      [0],
    );
    assert.deepEqual(
      await values(`sum(forktax_spawn_copied_rss_bytes_bucket{comm="${comm}",le="1.34217728e+08"})`),
      [30],
    );
  });

  it('answers for the 99th percentile of the stall', async () => {
    const p99 = `histogram_quantile(0.99, sum by (le) (rate(forktax_spawn_stall_seconds_bucket{comm="${comm}"}[5m])))`;
    const [series] = await queryUntil(p99, ([one]) => Number(one?.value[1]) > 0);
    assert.ok(Number(series?.value[1]) <= 10, JSON.stringify(series));
  });

  it('keeps exemplars', async () => {
    const parameters = {
      query: `forktax_spawn_stall_seconds_bucket{comm="${comm}"}`,
      start: '0',
      end: String(Date.now() / 1000 + 60),
    };
    const found = await ask<{ exemplars: { labels: { pid: string }; value: string }[] }[]>(
      'query_exemplars',
      parameters,
    );
    const exemplars = found.flatMap((series) => series.exemplars);
    assert.ok(exemplars.length > 0);
    for (const { labels, value } of exemplars) {
      assert.match(labels.pid, /^\d+$/);
      assert.ok(Number(value) > 0);
    }
  });

  it('answers each question of docs/metrics.md', async () => {
    const page = readFileSync(new URL('../../../../docs/metrics.md', import.meta.url), 'utf8');
    const block = /```promql\n(.*?)```/s.exec(page)?.[1] ?? '';
    const questions = block.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    assert.ok(questions.length > 3);
    for (const question of questions) {
      // A rate needs two scrapes since the spawns.
      await queryUntil(question, (result) =>
        result.some(({ metric, value }) => metric['comm'] === comm && Number(value[1]) >= 0),
      );
    }
  });
});

describe('promtool', () => {
  it('has no complaint about the metrics', async () => {
    const text = await scrape();
    assert.match(text, new RegExp(`^forktax_spawns_total\\{comm="${comm}"`, 'm'));
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text });
    assert.deepEqual([status, String(stdout), String(stderr)], [0, '', '']);
  });

  it('would complain', () => {
    const { status } = spawnSync('promtool', ['check', 'metrics'], {
      input: '# HELP a_total a\n# TYPE a_total gauge\na_total 1\n',
    });
    assert.equal(status, 3);
  });
});
