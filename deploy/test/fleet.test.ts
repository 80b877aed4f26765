/** The examples for a fleet pass Prometheus' own tool, and run as two shards with a Prometheus above them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it, test } from 'node:test';
import { parse } from 'yaml';
import { createFakeEngine, fakeRow } from '../../testing/fake-engine.ts';
import { buildTestApp } from '../../testing/test-app.ts';
import { replacing, startPrometheus, type Prometheus } from '../../testing/prometheus.ts';
import { TOP } from './compose-file.ts';

const FOLDER = join(TOP, 'deploy/prometheus/fleet');
const read = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');

for (const name of ['shard.yml', 'global.yml', 'remote-write.yml'])
  test(`${name} is valid`, () => {
    const said = execFileSync('promtool', ['check', 'config', '--syntax-only', join(FOLDER, name)], {
      encoding: 'utf8',
    });
    assert.match(said, /is valid prometheus config file syntax/);
    for (const path of parse(read(name)).rule_files ?? []) assert.ok(existsSync(join(FOLDER, dirname(path))), path);
  });

test('the example of a list of hosts is one', () => {
  const groups: { targets: string[] }[] = parse(read('targets/hosts.yml'));
  for (const address of groups.flatMap(({ targets }) => targets)) assert.match(address, /^[\w.]+:19435$/);
});

test('the numbers of series are those of docs/fleet.md', async () => {
  const page = readFileSync(join(TOP, 'docs/fleet.md'), 'utf8');
  const rows = [
    fakeRow({ comm: 'a', mechanism: 'fork', syscall: 'clone' }),
    fakeRow({ comm: 'a', mechanism: 'fork', syscall: 'fork' }),
    fakeRow({ comm: 'a', mechanism: 'vfork', syscall: 'clone' }),
    fakeRow({ comm: 'b', mechanism: 'afork', syscall: 'clone3' }),
  ];
  const engine = createFakeEngine({ rows });
  const { payload } = await buildTestApp({ engine }).inject('/metrics');
  const different = (of: (row: (typeof rows)[number]) => string) => new Set(rows.map(of)).size;
  const expected = (kind: string) => {
    const formula = new RegExp(`> ${kind}: R \\+ (\\d+) P \\+ (\\d+) C \\+ \\d+ series`).exec(page);
    const [perMechanism = NaN, perSpawner = NaN] = formula?.slice(1).map(Number) ?? [];
    return (
      rows.length +
      perMechanism * different(({ comm, mechanism }) => `${comm} ${mechanism}`) +
      perSpawner * different(({ comm }) => comm)
    );
  };
  assert.equal(payload.match(/^forktax_\w+\{comm=/gm)?.length, expected('classic'));
  // A native histogram is one series; here its count stands for it.
  assert.equal(payload.match(/^forktax_\w+(?<!_bucket|_sum)\{comm=/gm)?.length, expected('native'));
});

const HOSTS = 5;
const SHARDS = 2;

/** Starts a collector with one spawner, which has its own rate. */
async function startHost(index: number) {
  const engine = createFakeEngine();
  let spawns = 0;
  const timer = setInterval(() => {
    spawns += index + 1;
    engine.next = { ...engine.next, rows: [fakeRow({ comm: 'app', spawns })] };
  }, 100);
  const app = buildTestApp({ engine });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  return {
    address: new URL(url).host,
    stop: async () => {
      clearInterval(timer);
      await app.close();
    },
  };
}

/** Changes the configuration: faster, without TLS, and two shards instead of four. */
const shardConfig = (index: number) => () =>
  replacing(
    ['_interval: 1m', '_interval: 1s'],
    ['scheme: https', 'scheme: http'],
    [/    tls_config:\n.*\n    basic_auth:\n.*\n.*\n/.exec(read('shard.yml'))?.[0] ?? 'none', ''],
    ['../../../dashboards/generated/', 'rules/'],
    ['modulus: 4', `modulus: ${SHARDS}`],
    ["regex: '0'", `regex: '${index}'`],
    ["shard: '0'", `shard: '${index}'`],
  )(read('shard.yml'));

const globalConfig = (shards: readonly Prometheus[]) => () =>
  replacing(['_interval: 1m', '_interval: 1s'])(read('global.yml')).replace(
    /targets:\n( +- prometheus-.*\n)+/,
    `targets: ${JSON.stringify(shards.map(({ address }) => address))}\n`,
  );

describe('two shards and a Prometheus above them', () => {
  let hosts: Awaited<ReturnType<typeof startHost>>[] = [];
  let shards: Prometheus[] = [];
  let above: Prometheus;

  before(async () => {
    hosts = await Promise.all(Array.from({ length: HOSTS }, (_, index) => startHost(index)));
    shards = await Promise.all(
      Array.from({ length: SHARDS }, (_, index) => startPrometheus(hosts, { config: shardConfig(index) })),
    );
    above = await startPrometheus([], { config: globalConfig(shards) });
  });
  after(async () => {
    for (const one of [...shards, above, ...hosts]) await one.stop();
  });

  it('have each host once', async () => {
    const ups = async () => (await Promise.all(shards.map(({ api }) => api.query('up{job="forktax"} == 1')))).flat();
    const found = await above.api.until(ups, (samples) => samples.length >= HOSTS);
    assert.deepEqual(
      found.map(({ metric }) => metric['instance']).toSorted(),
      hosts.map(({ address }) => address).toSorted(),
    );
  });

  it('leave rules only, which add up to what the shards have', async () => {
    const { api } = above;
    const name = 'job_comm_mechanism:forktax_spawns:rate5m{comm="app"}';
    await api.until(
      () => api.query('sum(job:forktax_up:sum)'),
      ([sample]) => sample?.value === HOSTS,
    );
    await api.until(
      () => api.query(`sum(${name})`),
      ([sample]) => (sample?.value ?? 0) > 0,
    );
    assert.deepEqual(await api.query('{__name__=~"forktax_.*"}'), []);
    for (const { metric, value: at } of await api.query(`timestamp(${name})`)) {
      const shard = shards[Number(metric['shard'])];
      const [[federated], [original]] = await Promise.all([
        api.query(name.replace('}', `, shard="${metric['shard']}"}`), at),
        shard?.api.query(name, at) ?? [],
      ]);
      assert.equal(federated?.value, original?.value);
    }
  });
});
