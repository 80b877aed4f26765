/** Runs the collector of docker-compose.yml with the image's files, in a real container on the live kernel. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { openCoreEngine } from '../../collector/engine/core/engine.ts';
import { DEFAULT_ENGINE_OPTIONS } from '../../collector/model/options.ts';
import { spawnload, uniqueComm } from '../../testing/spawnload.ts';
import { parseSamples, valueOf } from '../../testing/parse-metrics.ts';
import { composeContainer } from './compose-container.ts';
import { composeServices, imageCommand } from './compose-file.ts';
import { startContainer, type Container } from './container.ts';
import { makeImage } from './image.ts';

const { collector } = composeServices();
let root: string;

before(() => {
  root = makeImage();
});
after(() => rmSync(root, { recursive: true }));

describe('the collector of docker-compose.yml', () => {
  let container: Container;
  before(async () => {
    container = await startContainer(composeContainer(collector, root), 'msg=listening');
  });
  after(() => container.stop());

  const status = (field: string) =>
    new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${container.pid}/status`, 'utf8'))?.[1];

  it('began with two capabilities and has none left', () => {
    const mask = (...bits: readonly number[]) =>
      bits
        .reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n)
        .toString(16)
        .padStart(16, '0');
    assert.deepEqual(['CapBnd', 'CapEff', 'CapPrm', 'CapInh', 'CapAmb', 'NoNewPrivs'].map(status), [
      mask(39, 38),
      mask(),
      mask(),
      mask(),
      mask(),
      '1',
    ]);
  });

  it('writes nowhere', () => {
    const { status: code, said } = container.execute('sh', '-c', 'true >/usr/new');
    assert.notEqual(code, 0);
    assert.match(said, /Read-only file system/);
  });

  it('sees what a privileged collector sees here', () => {
    const engine = openCoreEngine(DEFAULT_ENGINE_OPTIONS);
    engine.close();
    const samples = parseSamples(container.get('/metrics'));
    const hooks = samples.filter(({ name }) => name === 'forktax_hook_attached');
    assert.deepEqual(
      hooks.map(({ labels, value }) => [labels['hook'], value === 1]),
      engine.hooks.map(({ name, attached }) => [name, attached]),
    );
    assert.equal(valueOf(samples, 'forktax_engine_info', { call_hook: engine.callHook ?? 'none' }), 1);
  });

  it('counts the spawns of the host exactly', async () => {
    const comm = uniqueComm();
    await spawnload('--comm', comm, '--count', 30);
    const samples = parseSamples(container.get('/metrics'));
    const row = { comm, mechanism: 'fork' };
    assert.equal(valueOf(samples, 'forktax_spawns_total', row), 30);
    assert.equal(valueOf(samples, 'forktax_spawn_stall_seconds_count', row), 30);
    assert.equal(valueOf(samples, 'forktax_spawn_copied_rss_bytes_count', row), 30);
  });

  it('is healthy by the check of its image, and is not when it is stopped', async () => {
    const check = imageCommand('HEALTHCHECK');
    assert.deepEqual(container.execute(...check), { status: 0, said: 'forktax is ready.\n' });
    assert.equal(container.execute(...check, '--url', 'http://127.0.0.1:1').status, 1);
  });

  it('ends in order when it is stopped', async () => {
    assert.equal(await container.stop(), 0);
    assert.match(container.log(), /msg=stopping\n$/);
    assert.doesNotMatch(container.log(), /level=(warn|error)/);
  });
});

describe('with less', () => {
  for (const lacking of collector.cap_add ?? [])
    it(`without CAP_${lacking} it says so and ends`, async () => {
      const service = { ...collector, cap_add: collector.cap_add?.filter((name) => name !== lacking) ?? [] };
      await assert.rejects(startContainer(composeContainer(service, root), 'msg=listening'), /FORKTAX_NO_PRIVILEGE/);
    });
});
