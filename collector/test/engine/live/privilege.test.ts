/** The engine needs privileges, and says which one is missing. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { NOBODY, nobodyWith } from '../../../../testing/nobody.ts';
import { EngineProcess } from './engine-process.ts';
import { scaled, spawnload, uniqueComm } from '../../../../testing/spawnload.ts';

test('CAP_BPF and CAP_PERFMON suffice', async () => {
  const comm = uniqueComm();
  const count = scaled(50);
  const collector = new EngineProcess({ filter: { comm } }, nobodyWith('bpf', 'perfmon'));
  try {
    assert.equal((await collector.ready()).code, undefined);
    await spawnload('--mechanism', 'fork', '--comm', comm, '--count', count);
    const { snapshot } = await collector.report();
    assert.deepEqual(
      snapshot.rows.map((row) => row.spawns),
      [count],
    );
  } finally {
    await collector.end();
  }
});

test('no capability: an error that says so', async () => {
  const collector = new EngineProcess({}, NOBODY);
  const { code, message } = await collector.ready();
  assert.equal(code, 'FORKTAX_NO_PRIVILEGE', message);
  await collector.end();
});

/** Gives the effective and permitted sets of every thread of a process, as in proc(5). */
const capabilitiesOfThreads = (pid: number) =>
  readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
    return [...status.matchAll(/^Cap(?:Eff|Prm|Inh|Amb):\s*(\w+)$/gm)].map((match) => BigInt(`0x${match[1]}`));
  });

test('after dropping capabilities no thread has any, and the table is still read', async () => {
  const script = fileURLToPath(new URL('drop-capabilities.ts', import.meta.url));
  const worker = new Worker(
    `const { spawn } = require('node:child_process');
     const { parentPort } = require('node:worker_threads');
     const child = spawn(process.execPath, [...process.execArgv, ${JSON.stringify(script)}], { stdio: ['pipe', 'pipe', 'inherit'] });
     child.stdout.on('data', (data) => parentPort.postMessage({ pid: child.pid, said: String(data) }));
     parentPort.on('message', () => child.stdin.end());
     child.on('exit', (code) => { parentPort.postMessage({ code }); parentPort.close(); });`,
    { eval: true },
  );
  const said = await new Promise<{ pid: number; said: string }>((resolve) => worker.once('message', resolve));
  assert.match(said.said, /^dropped/);
  const sets = capabilitiesOfThreads(said.pid);
  assert.ok(sets.length >= 4 * 5, 'Node has several threads');
  assert.deepEqual(
    sets.filter((set) => set !== 0n),
    [],
  );
  const ended = new Promise<{ code: number }>((resolve) => worker.once('message', resolve));
  worker.postMessage('end');
  assert.deepEqual(await ended, { code: 0 });
});
