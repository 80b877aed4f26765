/** A bpftrace that dies, stops answering or loses lines is reported, counted and started again. Counts stay. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { openBpftraceEngine } from '../../../../engine/bpftrace/engine.ts';
import { DEFAULT_ENGINE_OPTIONS } from '../../../../model/options.ts';
import { startServe, type ServeProcess } from '../../../../../testing/serve-process.ts';
import { rowsOf, settle } from '../../../../../testing/engines.ts';
import { scaled, SPAWNLOAD, spawnload, uniqueComm } from '../../../../../testing/spawnload.ts';

/** Gives the only child of a process that is named bpftrace. */
function bpftraceOf(pid: number): number {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
  const found = children.filter((child) => readFileSync(`/proc/${child}/comm`, 'utf8') === 'bpftrace\n');
  assert.equal(found.length, 1, `bpftraces among ${children.join()}`);
  return found[0] ?? 0;
}

/** A bpftrace that does not start while its gate is closed: so one that has ended stays so while a test looks. */
function gatedBpftrace() {
  const folder = mkdtempSync(join(tmpdir(), 'forktax-restarts-'));
  const [path, closed] = [join(folder, 'bpftrace'), join(folder, 'closed')];
  const script = `while [ -e ${closed} ]; do sleep 0.1; done\nPATH=$PATH:/usr/local/sbin:/usr/sbin exec bpftrace "$@"\n`;
  writeFileSync(path, `#!/bin/sh\n${script}`, { mode: 0o755 });
  return {
    path,
    close: () => writeFileSync(closed, ''),
    open: () => rmSync(closed),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

interface State {
  readonly up: number;
  readonly restarts: number;
  readonly spawns: number;
}

async function stateOf(serve: ServeProcess): Promise<State> {
  const samples = await serve.scrape();
  const sum = (name: string) =>
    samples.filter((sample) => sample.name === name).reduce((total, { value }) => total + value, 0);
  return {
    up: sum('forktax_up'),
    restarts: sum('forktax_engine_restarts_total'),
    spawns: sum('forktax_spawns_total'),
  };
}

/** Scrapes until the condition holds. Each scrape is checked, because no total may decrease. */
async function until(serve: ServeProcess, spawns: number, isSo: (state: State) => boolean): Promise<State> {
  for (let tries = 0; tries < 600; tries++) {
    const state = await stateOf(serve);
    assert.ok(state.spawns >= spawns, `${state.spawns} spawns after ${spawns}`);
    if (isSo(state)) return state;
    await sleep(100);
  }
  throw new Error(`still ${JSON.stringify(await stateOf(serve))}`);
}

async function startServeWith(bpftrace: string, ...args: readonly string[]): Promise<ServeProcess> {
  process.env['BPFTRACE_PATH'] = bpftrace;
  try {
    return await startServe(...args);
  } finally {
    delete process.env['BPFTRACE_PATH'];
  }
}

const spawn = (comm: string, count: number) => spawnload('--mechanism', 'fork', '--comm', comm, '--count', count);

for (const [name, signal, logged] of [
  ['killed', 'SIGKILL', /killed|signal|SIGKILL/],
  ['stopped, so that it falls silent', 'SIGSTOP', /silent/],
] as const)
  test(`a bpftrace that is ${name}`, async () => {
    const comm = uniqueComm();
    const count = scaled(50);
    using gate = gatedBpftrace();
    await using serve = await startServeWith(gate.path, '--engine=bpftrace', `--comm=${comm}`);
    await spawn(comm, count);
    await until(serve, 0, ({ spawns }) => spawns === count);
    gate.close();
    process.kill(bpftraceOf(serve.pid), signal);
    await until(serve, count, ({ up }) => up === 0);
    const ready = await fetch(`${serve.url}/-/ready`);
    assert.equal(ready.status, 503);
    assert.match(await ready.text(), /^forktax is not ready: bpftrace /);
    gate.open();
    const again = await until(serve, count, ({ up }) => up === 1);
    assert.deepEqual(again, { up: 1, restarts: 1, spawns: count });
    await spawn(comm, count);
    await until(serve, count, ({ spawns }) => spawns === 2 * count);
    const { status, stderr } = await serve.stop();
    assert.equal(status, 0);
    assert.match(stderr, logged);
    assert.match(stderr, /bpftrace runs again/);
  });

test('lines that are lost are counted', async () => {
  const comm = uniqueComm();
  const count = scaled(2000);
  const engine = await openBpftraceEngine({ ...DEFAULT_ENGINE_OPTIONS, filter: { comm } }, undefined, {
    bufferBytes: 1 << 14,
  });
  try {
    const bpftrace = bpftraceOf(process.pid);
    process.kill(bpftrace, 'SIGSTOP');
    await spawn(comm, count);
    process.kill(bpftrace, 'SIGCONT');
    await settle(engine);
    // The kernel reports the losses of a processor when there is room again, before the next line from it.
    for (const cpu of cpus().keys())
      await promisify(execFile)('taskset', ['-c', `${cpu}`, SPAWNLOAD, '--comm', comm, '--count', '1']);
    await settle(engine);
    const spawns = rowsOf(engine, comm).reduce((sum, row) => sum + row.spawns, 0);
    const { eventsLost } = engine.snapshot().health;
    assert.ok(spawns < count && spawns + eventsLost >= count, `${spawns} told, ${eventsLost} lost, of ${count}`);
    assert.equal(engine.source?.restarts, 0);
  } finally {
    engine.close();
  }
});
