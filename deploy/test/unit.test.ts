/** The collector runs in the sandbox of its systemd unit, on the live kernel. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { spawnload, uniqueComm } from '../../testing/spawnload.ts';
import { parseSamples, valueOf } from '../../testing/parse-metrics.ts';
import { startContainer, type Container } from './container.ts';
import { makeImage } from './image.ts';
import { unitContainer } from './unit-file.ts';

describe('the collector in the sandbox of its unit', () => {
  let root: string;
  let container: Container;
  before(async () => {
    root = makeImage();
    container = await startContainer(unitContainer(root), 'msg=listening');
  });
  after(async () => {
    await container.stop();
    rmSync(root, { recursive: true });
  });

  it('is nobody, filtered, and without capabilities', () => {
    const status = readFileSync(`/proc/${container.pid}/status`, 'utf8');
    for (const line of [/^Uid:\s61184\s/m, /^Seccomp:\s2$/m, /^CapPrm:\s0+$/m, /^CapEff:\s0+$/m, /^CapAmb:\s0+$/m])
      assert.match(status, line);
  });

  it('has attached every hook, and counts exactly', async () => {
    const comm = uniqueComm();
    await spawnload('--comm', comm, '--count', 20);
    const samples = parseSamples(container.get('/metrics'));
    const missing = samples.filter(({ name, value }) => name === 'forktax_hook_attached' && value !== 1);
    assert.deepEqual(missing, []);
    for (const name of [
      'forktax_spawns_total',
      'forktax_spawn_stall_seconds_count',
      'forktax_spawn_copied_rss_bytes_count',
    ])
      assert.equal(valueOf(samples, name, { comm, mechanism: 'fork' }), 20, name);
  });

  it('lives on after SIGHUP, and ends in order', async () => {
    process.kill(container.pid, 'SIGHUP');
    assert.equal(container.execute('forktax', 'health').status, 0);
    assert.equal(await container.stop(), 0);
    // The sandbox has no tracefs, of which serve warns.
    const troubles = container.log().match(/^.*level=(warn|error).*$/gm) ?? [];
    assert.deepEqual(
      troubles.filter((line) => !line.includes('the call hook is raw')),
      [],
    );
  });
});
