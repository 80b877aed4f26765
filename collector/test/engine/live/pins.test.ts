/** Pinned counters go on without a collector, whatever became of the last one. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { EngineOptions } from '../../../model/options.ts';
import { availableWays, total } from '../../../../testing/engines.ts';
import { scaled, spawnload, uniqueComm } from '../../../../testing/spawnload.ts';
import { EngineProcess } from './engine-process.ts';

const mountPoint = mkdtempSync(join(tmpdir(), 'forktax-bpffs-'));
/** Has a BPF filesystem in a mount namespace of its own; when it ends, all that is pinned there is gone. */
let holder: ChildProcess;
const collectors: EngineProcess[] = [];

before(async () => {
  const script = `mount -t bpf bpf ${mountPoint} && echo ready && exec cat`;
  const args = ['--mount', '--propagation', 'private', 'sh', '-c', script];
  holder = spawn('unshare', args, { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(holder.stdout as NodeJS.ReadableStream, 'data');
});

after(async () => {
  for (const collector of collectors) await collector.end();
  const ended = once(holder, 'exit');
  holder.stdin?.end();
  await ended;
  rmdirSync(mountPoint);
});

const inside = () => ['nsenter', `--mount=/proc/${holder.pid}/ns/mnt`];

/** Runs a command where the BPF filesystem is, and gives what it prints. */
function runInside(...args: string[]): string {
  const [command = '', ...rest] = [...inside(), ...args];
  return execFileSync(command, rest, { encoding: 'utf8' });
}

async function collect(folder: string, options: Partial<EngineOptions>, wrapper: readonly string[] = []) {
  const collector = new EngineProcess({ pin: join(mountPoint, folder), ...options }, [...inside(), ...wrapper]);
  collectors.push(collector);
  const { history, code, message } = await collector.ready();
  return {
    history,
    code,
    message,
    end: () => collector.end('SIGKILL'),
    async counts() {
      const { rows, health } = (await collector.report()).snapshot;
      const sum = (counts: readonly number[]) => counts.reduce((all, count) => all + count, 0);
      assert.deepEqual([health.callsUntracked, health.processesUntracked], [0, 0]);
      return [
        sum(rows.map(({ spawns }) => spawns)),
        sum(rows.map(({ stall }) => total(stall))),
        sum(rows.map(({ execDelay }) => total(execDelay))),
        sum(rows.map(({ lifetime }) => total(lifetime))),
      ];
    },
  };
}

describe('pinned counters', () => {
  test('go on through SIGKILL under load, exactly', async () => {
    const comm = uniqueComm();
    const count = scaled(30_000);
    const options = { filter: { comm } };
    let collector = await collect('killed', options);
    assert.equal(collector.history, 'new');
    const load = spawnload('--mechanism', 'vfork', '--comm', comm, '--count', count, '--live', 8);
    for (let restarts = 0; restarts < 2; restarts++) {
      await collector.end();
      collector = await collect('killed', options);
      assert.equal(collector.history, 'continued');
    }
    await load;
    assert.deepEqual(await collector.counts(), [count, count, count, count]);
  });

  test('go on when other programs take over', async () => {
    const comm = uniqueComm();
    const count = scaled(1_000);
    // The way is part of the programs; where there is only one, what afork costs is.
    const [first, last] = [availableWays()[0], availableWays().at(-1)];
    const old = await collect('changed', { filter: { comm }, ...(first && { callHook: first }) });
    const living = spawnload('--comm', comm, '--no-exec', '--child-lifetime', 3_000);
    await spawnload('--mechanism', 'vfork', '--comm', comm, '--count', count);
    await old.end();
    await spawnload('--mechanism', 'vfork', '--comm', comm, '--count', count);
    const next = await collect('changed', { filter: { comm }, aforkCostNs: 1, ...(last && { callHook: last }) });
    assert.equal(next.history, 'continued');
    await spawnload('--mechanism', 'vfork', '--comm', comm, '--count', count);
    await living;
    assert.deepEqual(await next.counts(), [3 * count + 1, 3 * count + 1, 3 * count, 3 * count + 1]);
  });

  test('of another layout are removed, and that is told', async () => {
    const comm = uniqueComm();
    const old = await collect('layout', { filter: { comm } });
    await spawnload('--comm', comm, '--count', 10);
    await old.end();
    const next = await collect('layout', { filter: { comm }, label: 'pid' });
    assert.equal(next.history, 'other-layout');
    await spawnload('--comm', comm, '--count', 10);
    assert.deepEqual(await next.counts(), [10, 10, 10, 10]);
  });

  test('have one collector at a time, and need a BPF filesystem', async () => {
    const first = await collect('busy', {});
    assert.equal((await collect('busy', {})).code, 'FORKTAX_PIN');
    await first.end();
    assert.equal((await collect('../elsewhere', {})).code, 'FORKTAX_PIN');
  });

  test("leave other programs' folders alone, and do not take them for counters", async () => {
    runInside('mkdir', '-p', join(mountPoint, 'shared', 'others'));
    const collector = await collect('shared', {});
    assert.equal(collector.history, 'new');
    await collector.end();
    assert.match(runInside('ls', join(mountPoint, 'shared')), /^others$/m);
  });

  test("that are another user's are not blamed on a missing privilege", async () => {
    const first = await collect('lent', {});
    await first.end();
    runInside('chown', '-R', '1', join(mountPoint, 'lent'));
    runInside('chmod', '-R', 'a+rwX,u-rw', join(mountPoint, 'lent'));
    runInside('sh', '-c', `chmod 600 ${join(mountPoint, 'lent')}/*/costs`);
    const { code, message } = await collect('lent', {}, ['setpriv', '--bounding-set=-dac_override,-dac_read_search']);
    assert.equal(code, 'FORKTAX_PIN', message);
    assert.match(message ?? '', /the counters that are kept at .*\/costs cannot be opened: .*EACCES/);
  });

  test("cannot be in another user's folder, or in one whose name the filesystem does not allow", async () => {
    const folder = join(mountPoint, 'foreign');
    runInside('mkdir', '-m', '755', folder);
    runInside('chown', '1', folder);
    const withoutOverride = ['setpriv', '--bounding-set=-dac_override'];
    assert.equal((await collect('foreign', {}, withoutOverride)).code, 'FORKTAX_PIN');
    assert.equal((await collect('with.dot', {})).code, 'FORKTAX_PIN');
  });
});
