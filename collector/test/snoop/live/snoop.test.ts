/** `forktax snoop` sees what spawnload does, spawn by spawn. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { isGeneric } from '../../../model/naming.ts';
import { makeCgroup } from '../../../../testing/cgroups.ts';
import { SPAWNLOAD, prepareSpawnload, type Truth } from '../../../../native/spawnload/spawnload.ts';
import { startCli, type CliResult } from '../../../../testing/run-cli.ts';
import { uniqueComm } from '../../../../testing/spawnload.ts';

const COUNT = 20;
const TRACING = 'Tracing process spawns';

interface Seen extends CliResult {
  readonly truth: Truth;
  readonly records: readonly Record<string, unknown>[];
}

/** Runs a generator while snoop watches, until snoop has printed `-c` lines or gets Ctrl-C. */
async function snoopWhile(load: readonly string[], flags: readonly string[]): Promise<Seen> {
  const generator = await prepareSpawnload(load);
  const snoop = startCli(['snoop', '--json', '--pid', String(generator.pid), ...flags]);
  await snoop.said(TRACING);
  const truth = await generator.go();
  if (!flags.includes('-c')) snoop.child.kill('SIGINT');
  const result = await snoop.result;
  return { ...result, truth, records: recordsOf(result) };
}

const recordsOf = ({ stdout }: CliResult): Record<string, unknown>[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line): Record<string, unknown> => JSON.parse(line));

const all = (records: Seen['records'], field: string): Set<unknown> => new Set(records.map((each) => each[field]));

/** So many shells below each other. The last says its pid, and waits for a line before it runs two programs. */
function startShells(levels: number): { readonly pid: Promise<number>; go(): void } {
  const script = `if [ $1 -gt 1 ]; then sh -c "$2" sh $(($1 - 1)) "$2"; else echo $$; read go; /bin/true one; /bin/true 'two words' ''; fi; exit`;
  const shell = spawn('sh', ['-c', script, 'sh', `${levels}`, script], { stdio: ['pipe', 'pipe', 'inherit'] });
  return {
    pid: once(shell.stdout, 'data').then(([text]) => Number(text)),
    go: () => shell.stdin.end('go\n'),
  };
}

function ancestorsOf(pid: number): object[] {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const parent = Number(/^PPid:\s*(\d+)$/m.exec(status)?.[1]);
  if (parent === 0) return [];
  const comm = readFileSync(`/proc/${parent}/comm`, 'utf8').trimEnd();
  const name = isGeneric(comm) ? basename(readlinkSync(`/proc/${parent}/exe`)).slice(0, 15) : comm;
  return [{ pid: parent, comm: name }, ...ancestorsOf(parent)];
}

for (const levels of [1, 14]) {
  test(`${levels} shells below each other: --ancestors has the processes above, --args what the children got`, async () => {
    const shells = startShells(levels);
    const pid = await shells.pid;
    const ancestors = ancestorsOf(pid);
    const snoop = startCli(['snoop', '--json', '--ancestors', '--args', '-c', '2', '-p', `${pid}`]);
    await snoop.said(TRACING);
    shells.go();
    const [one, two] = recordsOf(await snoop.result);
    assert.deepEqual(one?.['ancestors'], ancestors.slice(0, 12));
    assert.equal(one?.['ancestors_cut'], ancestors.length > 12 || undefined);
    assert.deepEqual(
      [one?.['args'], two?.['args']],
      [
        ['/bin/true', 'one'],
        ['/bin/true', 'two words', ''],
      ],
    );
  });
}

for (const [mechanism, syscalls] of [
  ['fork', ['fork']],
  ['vfork', ['vfork']],
  ['afork', ['clone']],
  ['posix_spawn', ['clone', 'clone3', 'vfork']],
] as const) {
  test(`${mechanism}: a line for each spawn, with the child and what it ran`, async () => {
    const load = ['--mechanism', mechanism, '--count', `${COUNT}`];
    const { status, truth, records } = await snoopWhile(load, ['-c', `${COUNT}`]);
    const summary = records.at(-1);
    const lines = records.slice(0, -1);
    assert.equal(status, 0);
    assert.equal(lines.length, COUNT);
    const pids = (each: readonly { pid: number }[]): number[] => each.map(({ pid }) => pid).toSorted();
    assert.deepEqual(pids(lines.map(({ child }) => ({ pid: Number(child) }))), pids(truth.spawns));
    assert.deepEqual(all(lines, 'mechanism'), new Set([mechanism === 'posix_spawn' ? 'vfork' : mechanism]));
    for (const syscall of all(lines, 'syscall')) assert.ok((syscalls as readonly unknown[]).includes(syscall));
    assert.deepEqual(all(lines, 'outcome'), new Set(['exec']));
    assert.deepEqual(all(lines, 'file'), new Set([SPAWNLOAD.slice(0, 127)]));
    const truthOf = new Map(truth.spawns.map(({ pid, stallNs }) => [pid, stallNs]));
    for (const { child, stall_ns: stall, copy_ns: copy, exec_delay_ns: delay } of lines) {
      assert.ok(Number(stall) <= (truthOf.get(Number(child)) ?? 0));
      assert.ok(Number(copy) < Number(stall));
      assert.ok(Number(delay) > 0);
    }
    for (const field of ['args', 'ancestors']) assert.deepEqual(all(lines, field), new Set([undefined]), field);
    assert.equal(summary?.type, 'summary');
    assert.equal(summary.events_lost, 0);
    assert.equal(summary.counted_spawns, COUNT);
  });
}

test('a missing file is a failure of each exec, and -x shows nothing else', async () => {
  const load = ['--mechanism', 'posix_spawn', '--exec-missing', '--count', `${COUNT}`];
  const { records } = await snoopWhile(load, ['-x', '-c', `${COUNT}`]);
  const lines = records.slice(0, -1);
  assert.deepEqual(
    [lines.length, all(lines, 'outcome'), all(lines, 'errno'), all(lines, 'failed_execs')],
    [COUNT, new Set(['exec-failed']), new Set(['ENOENT']), new Set([1])],
  );
  assert.deepEqual(records.at(-1)?.failed_execs, { ENOENT: COUNT });

  const fine = await snoopWhile(['--mechanism', 'fork', '--count', '5'], ['-x']);
  assert.deepEqual(
    fine.records.map(({ type, counted_spawns: counted }) => [type, counted]),
    [['summary', 5]],
  );
});

test('a call that the kernel refuses is a line without a child', async () => {
  const { records } = await snoopWhile(['--nproc-limit', '--count', '3'], ['-c', '3']);
  const lines = records.slice(0, -1);
  assert.deepEqual(
    [all(lines, 'outcome'), all(lines, 'errno'), all(lines, 'child')],
    [new Set(['spawn-failed']), new Set(['EAGAIN']), new Set([undefined])],
  );
  assert.deepEqual(records.at(-1)?.failed_spawns, { EAGAIN: 3 });
});

test('a child without exec: its status, or that it still runs', async () => {
  const dead = await snoopWhile(['--kill', '--no-exec', '--count', '2'], ['-c', '2']);
  assert.deepEqual(all(dead.records.slice(0, -1), 'outcome'), new Set(['no-exec']));
  assert.deepEqual(all(dead.records.slice(0, -1), 'exit_status'), new Set([128 + 9]));

  const generator = await prepareSpawnload(['--no-exec', '--child-lifetime', '600000']);
  const snoop = startCli(['snoop', '--json', '--pid', String(generator.pid), '-c', '1']);
  await snoop.said(TRACING);
  const killed = generator.go().catch(() => undefined);
  const [alive] = recordsOf(await snoop.result);
  generator.kill();
  await killed;
  assert.equal(alive?.['outcome'], 'running');
});

test('Ctrl-C ends the table with a summary', async () => {
  const comm = uniqueComm();
  const generator = await prepareSpawnload(['--comm', comm, '--count', `${COUNT}`]);
  const snoop = startCli(['snoop', '-n', comm]);
  await snoop.said(TRACING);
  await generator.go();
  snoop.child.kill('SIGINT');
  const { status, stdout, stderr } = await snoop.result;
  const [header, ...lines] = stdout.trimEnd().split('\n');
  assert.equal(status, 0);
  assert.match(header ?? '', /^TIME +COMM +PID UNIT +MECH +CALL +STALL +COPY +SIBL +RSS +CHILD +DELAY EXEC$/);
  assert.equal(lines.length, COUNT);
  for (const line of lines) assert.match(line, new RegExp(`^[\\d:.]{12} ${comm} +${generator.pid} \\S+ +fork +fork `));
  assert.match(stderr, new RegExp(`\n${COUNT} spawns in [\\d.]+m?s\nMECH +SPAWNS .*\nfork +${COUNT} `));
});

test('--follow takes descendants in', async () => {
  // The generator's children execute sleep and spawn nothing. Following this process therefore shows two generations.
  const snoop = startCli(['snoop', '--json', '--pid', String(process.pid), '--follow', '-n', 'spawnload']);
  await snoop.said(TRACING);
  const generator = await prepareSpawnload(['--count', '3']);
  await generator.go();
  snoop.child.kill('SIGINT');
  const lines = (await snoop.result).stdout.trimEnd().split('\n').slice(0, -1);
  assert.equal(lines.length, 3);
});

test('-p ends by itself when the process has ended, after its last spawns', async () => {
  const generator = await prepareSpawnload(['--count', '3']);
  const snoop = startCli(['snoop', '--json', '--pid', String(generator.pid)]);
  await snoop.said(TRACING);
  await generator.go();
  const { status, stdout, stderr } = await snoop.result;
  assert.equal(status, 0);
  assert.match(stderr, new RegExp(`\nProcess ${generator.pid} has ended.\n`));
  const outcomes = stdout
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { outcome?: string }).outcome);
  assert.deepEqual(outcomes, ['exec', 'exec', 'exec', undefined]);
});

test('--unit and --container take what their cgroups hold, and nothing else; one that is not there is an error', async () => {
  const comm = uniqueComm();
  const id = randomBytes(32).toString('hex');
  using unit = makeCgroup(`/system.slice/${comm}.service/below`);
  using container = makeCgroup(`/system.slice/docker-${id}.scope`);
  const load = (count: string) => [SPAWNLOAD, '--comm', comm, '--count', count] as const;
  const seenWith = async (...flags: string[]) => {
    const snoop = startCli(['snoop', '--json', '-n', comm, ...flags]);
    await snoop.said(TRACING);
    unit.run(...load('2'));
    container.run(...load('3'));
    snoop.child.kill('SIGINT');
    const records = (await snoop.result).stdout.trimEnd().split('\n');
    return records.slice(0, -1).map((line) => JSON.parse(line) as Record<string, unknown>);
  };
  const ofUnit = await seenWith('--unit', comm);
  assert.deepEqual([ofUnit.length, all(ofUnit, 'unit')], [2, new Set([`${comm}.service`])]);
  const ofContainer = await seenWith('--container', id.slice(0, 12));
  assert.deepEqual(
    [ofContainer.length, all(ofContainer, 'container'), all(ofContainer, 'runtime'), all(ofContainer, 'outcome')],
    [3, new Set([id]), new Set(['docker']), new Set(['exec'])],
  );
  for (const flag of ['--unit', '--container']) {
    const { status, stderr } = await startCli(['snoop', flag, 'no-such-thing']).result;
    assert.equal(status, 1);
    assert.match(stderr, /^forktax: there is no (unit|container) no-such-thing here.*\n.*\[FORKTAX_NO_CGROUP\]\n$/);
  }
});
