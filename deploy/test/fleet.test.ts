/** The examples for a fleet, by Prometheus' own tool. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { TOP } from './compose-file.ts';

const FOLDER = join(TOP, 'deploy/prometheus/fleet');
const read = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');

for (const name of ['shard.yml', 'global.yml', 'remote-write.yml'])
  test(`${name} is valid`, () => {
    const said = execFileSync('promtool', ['check', 'config', '--syntax-only', join(FOLDER, name)], {
      encoding: 'utf8',
    });
    assert.match(said, /is valid prometheus config file syntax/);
  });

/** The addresses that the server with this number keeps. */
function keptBy(shard: number, folder: string): string[] {
  const config = read('shard.yml').replace("regex: '0'", `regex: '${shard}'`);
  assert.notEqual(shard === 0, config !== read('shard.yml'));
  writeFileSync(join(folder, 'prometheus.yml'), withoutSecrets(config));
  const args = ['check', 'service-discovery', '--timeout=2s', join(folder, 'prometheus.yml'), 'forktax'];
  const targets: { labels: Record<string, string> }[] = JSON.parse(
    execFileSync('promtool', args, { encoding: 'utf8' }),
  );
  return targets.flatMap(({ labels }) => labels['__address__'] ?? []);
}

/** promtool looks for the files that they are in. */
const withoutSecrets = (config: string): string => config.replace(/    tls_config:\n.*\n    basic_auth:\n.*\n.*\n/, '');

test('each host is kept by one shard', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'forktax-fleet-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const hosts = Array.from({ length: 50 }, (_, i) => `host${i}.example.com:19435`);
  execFileSync('mkdir', [join(folder, 'targets')]);
  writeFileSync(join(folder, 'targets/hosts.yml'), JSON.stringify([{ targets: hosts }]));
  const shards = [0, 1, 2, 3].map((shard) => keptBy(shard, folder));
  assert.deepEqual(shards.flat().toSorted(), hosts.toSorted());
  assert.ok(shards.every((kept) => kept.length > 0));
});

test('the example of a list of hosts is one', () => {
  const groups: { targets: string[] }[] = parse(read('targets/hosts.yml'));
  for (const address of groups.flatMap(({ targets }) => targets)) assert.match(address, /^[\w.]+:19435$/);
});
