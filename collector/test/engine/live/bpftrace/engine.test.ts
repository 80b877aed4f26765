/** Filters, labels, limits and missing hooks of the bpftrace engine work as in core. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { missedColumns } from '../../../../model/hooks.ts';
import { OTHER } from '../../../../model/rows.ts';
import type { EngineEvent } from '../../../../model/events.ts';
import { runCli, startCli } from '../../../../../testing/run-cli.ts';
import { openBpftrace, rowOf, rowsOf, settle, total } from '../../../../../testing/engines.ts';
import { scaled, SPAWNLOAD, spawnload, uniqueComm } from '../../../../../testing/spawnload.ts';

const COUNT = scaled(40);

test('without a hook only its columns are missing', async () => {
  const comm = uniqueComm();
  using engine = await openBpftrace({
    withoutHooks: ['sched_process_exit', 'sched_process_exec', 'page_fault_user', 'syscalls:clone', 'syscalls:execve'],
  });
  const absent = ['stall', 'exec', 'execFailures', 'lifetime', 'faults', 'siblings'];
  assert.deepEqual([...missedColumns(engine.hooks).keys()], absent);
  await spawnload('--mechanism', 'fork', '--comm', comm, '--count', COUNT, '--rss', 1 << 20);
  await settle(engine, { faults: true });
  const row = rowOf(engine, comm);
  assert.deepEqual([row.spawns, row.syscall, total(row.copiedRss)], [COUNT, 'unknown', COUNT]);
  assert.deepEqual([total(row.stall), total(row.execDelay), total(row.lifetime), row.childFaults], [0, 0, 0, 0]);
});

test('the time of copy-on-write faults is missed where somebody asked for it', async () => {
  using engine = await openBpftrace({ timesCowFaults: true });
  assert.match(missedColumns(engine.hooks).get('cowFaultTimes') ?? '', /only the engine core measures it/);
});

test('a comm, a pid: nobody else is counted; a collector does not measure itself', async () => {
  const comm = uniqueComm();
  const other = uniqueComm();
  using byComm = await openBpftrace({ filter: { comm }, label: 'pid' });
  using byPid = await openBpftrace({ filter: { pid: process.pid } });
  const { pid } = await spawnload('--mechanism', 'fork', '--comm', comm, '--count', COUNT);
  await spawnload('--mechanism', 'fork', '--comm', other, '--count', COUNT);
  // The probes report failures of all spawners.
  for (const each of [comm, other])
    await spawnload('--mechanism', 'fork', '--nproc-limit', '--comm', each, '--count', 5);
  await settle(byComm);
  await settle(byPid);
  const { rows, failures } = byComm.snapshot();
  assert.deepEqual(
    rows.map((row) => [row.comm, row.id, row.spawns]),
    [[comm, String(pid), COUNT]],
  );
  assert.deepEqual(
    failures.map((failure) => [failure.comm, failure.count]),
    [[comm, 5]],
  );
  assert.deepEqual([byPid.snapshot().rows, byPid.snapshot().failures], [[], []]);
});

test('descendants are followed, and only they', async () => {
  const comm = uniqueComm();
  const other = uniqueComm();
  const shell = `read -r _; ${SPAWNLOAD} --mechanism fork --comm ${comm} --count ${COUNT} > /dev/null; exit 0`;
  const child = spawn('/bin/sh', ['-c', shell], { stdio: ['pipe', 'ignore', 'inherit'] });
  using engine = await openBpftrace({ filter: { pid: child.pid ?? 0, follow: true } });
  await spawnload('--mechanism', 'fork', '--comm', other, '--count', COUNT);
  child.stdin.end('\n');
  await new Promise((resolve) => child.once('exit', resolve));
  await settle(engine);
  assert.equal(rowOf(engine, comm).spawns, COUNT);
  assert.deepEqual(rowsOf(engine, other), []);
});

test('what finds no row is in (other), and the total is exact', async () => {
  const prefix = uniqueComm();
  using engine = await openBpftrace({ maxSpawners: 4, filter: { pid: process.pid, follow: true } });
  using all = await openBpftrace({ maxSpawners: 4 });
  for (let i = 0; i < 10; i++) await spawnload('--comm', `${prefix}${i}`, '--count', 3);
  await settle(engine);
  await settle(all);
  // This process is never counted, and its children are not among the wanted descendants.
  assert.deepEqual(engine.snapshot().rows, []);
  const { rows, health } = all.snapshot();
  assert.deepEqual([rows.filter((row) => row.comm !== OTHER).length, health.tableRows], [4, 4]);
  assert.ok(health.rowsFolded > 0);
  const own = rows.filter((row) => row.comm.startsWith(prefix) || row.comm === OTHER);
  assert.ok(total({ counts: own.map((row) => row.spawns) }) >= 3 * 6);
});

test('an exec of a thread, its path and the child’s end are told as events', async () => {
  const comm = uniqueComm();
  using engine = await openBpftrace({ filter: { comm } });
  const events: EngineEvent[] = [];
  engine.subscribe((batch) => void events.push(...batch));
  const before = Date.now();
  await spawnload('--mechanism', 'fork', '--comm', comm, '--exec-from-thread');
  await spawnload('--mechanism', 'fork', '--comm', comm, '--kill');
  await spawnload('--mechanism', 'vfork', '--comm', comm, '--exec-missing');
  await settle(engine);
  const told = (kind: EngineEvent['kind']) => events.filter((event) => event.kind === kind);
  assert.deepEqual(
    told('exec').map((event) => 'file' in event && event.file),
    [SPAWNLOAD],
  );
  assert.deepEqual(
    told('exec-failure').map((event) => 'errno' in event && 'file' in event && [event.errno, event.file]),
    [[2, '/nonexistent/spawnload']],
  );
  assert.deepEqual(
    told('exit').map((event) => 'status' in event && [event.status, event.execSeen]),
    [
      [0, true],
      [137, false],
      [127, false],
    ],
  );
  for (const { atMs } of events) assert.ok(atMs >= before - 50 && atMs <= Date.now() + 50, `${atMs} after ${before}`);
});

/** Makes a copy of the collector without its native parts. */
function withoutNative(): string {
  const top = fileURLToPath(new URL('../../../../../', import.meta.url));
  const copy = mkdtempSync(join(tmpdir(), 'forktax-'));
  for (const part of ['collector', 'probes', 'package.json'])
    cpSync(`${top}${part}`, `${copy}/${part}`, { recursive: true });
  symlinkSync(`${top}node_modules`, `${copy}/node_modules`);
  return copy;
}

const runCopy = (cli: string, ...args: readonly string[]) => startCli(args, [], cli).result;

test('where core cannot run, auto takes bpftrace and says why', async () => {
  const copy = withoutNative();
  try {
    const cli = `${copy}/collector/cli.ts`;
    const comm = uniqueComm();
    const { stdout, stderr, status } = await runCopy(cli, 'hist', '--name', comm, '--json', '1', '1');
    assert.deepEqual([status, stdout], [0, '']);
    assert.match(
      stderr,
      /^Measuring with bpftrace, because core cannot run: no native addon is installed for [^\n]+\n/,
    );
    const doctor = await runCopy(cli, 'doctor', '--json');
    const report = JSON.parse(doctor.stdout) as {
      able: boolean;
      engine: string;
      host: { check: string; found: string }[];
    };
    assert.deepEqual([doctor.status, report.able, report.engine], [0, true, 'bpftrace']);
    const found = (check: string) => report.host.find((finding) => finding.check === check)?.found ?? '';
    assert.match(found('bpftrace'), /^0\.\d+\.\d+, \//);
    assert.match(found('engine core'), /^cannot run: /);
    const core = await runCopy(cli, 'hist', '--engine=core', '1', '1');
    assert.equal(core.status, 1);
    assert.match(core.stderr, /\[FORKTAX_NO_NATIVE\]/);
  } finally {
    rmSync(copy, { recursive: true });
  }
});

test('a way that bpftrace does not know is refused', async () => {
  const { status, stderr } = await runCli('hist', '--engine=bpftrace', '--call-hook=raw');
  assert.equal(status, 1);
  assert.match(stderr, /bpftrace sees the spawning calls by syscalls, not by raw\n.*\[FORKTAX_NO_HOOK\]/);
});
