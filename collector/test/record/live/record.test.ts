/** A recording has what happened: a replay of it counts what spawnload did. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SPAWNLOAD } from '../../../../native/spawnload/spawnload.ts';
import { runCli, startCli } from '../../../../testing/run-cli.ts';
import { startServing } from '../../../../testing/serve-process.ts';

const COUNT = 100_000;
const BYTES_EACH = 60;
const folder = mkdtempSync(join(tmpdir(), 'forktax-record-'));
after(() => rmSync(folder, { recursive: true }));

interface Costs {
  readonly rows: readonly { readonly stall: { readonly sum: number } }[];
}

const lastRecord = (stdout: string) => JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');

test(`of ${COUNT} spawns not one is missing, and each takes less than ${BYTES_EACH} bytes`, async () => {
  const path = join(folder, 'all.rec');
  const load = [SPAWNLOAD, '--count', `${COUNT}`, '--mechanism', 'vfork', '--no-exec'];
  const { status, stdout, stderr } = await runCli('record', '-o', path, '--', ...load);
  assert.equal(status, 0, stderr);
  assert.equal(lastRecord(stdout).spawned, COUNT, 'the command has its own output');
  assert.ok(statSync(path).size < COUNT * BYTES_EACH);
  const summary = lastRecord((await runCli('replay', path, 'snoop', '--json')).stdout);
  const { spawns } = summary.mechanisms.vfork;
  // Of each spawn there are two events, and either may be lost where the recorder waits for a CPU.
  assert.ok(spawns <= COUNT && spawns + summary.events_lost >= COUNT, `${spawns}, ${summary.events_lost} lost`);
  const hist = lastRecord((await runCli('replay', path, 'hist', '--json')).stdout);
  assert.equal(hist.count, COUNT);
  assert.ok(hist.sum <= lastRecord(stdout).stallNs.sum);
  if (summary.events_lost === 0) assert.deepEqual([spawns, summary.mechanisms.vfork.stall_sum_ns], [COUNT, hist.sum]);
});

test('the exit status is that of the command; a missing one is told before anything is measured', async () => {
  const path = join(folder, 'status.rec');
  assert.equal((await runCli('record', '-o', path, '--', 'sh', '-c', 'exit 3')).status, 3);
  assert.equal((await runCli('record', '-o', path, '--', 'sh', '-c', 'kill -9 $$')).status, 137);
  const missing = await runCli('record', '-o', path, '--', 'no-such-program');
  assert.equal(missing.status, 127);
  assert.match(missing.stderr, /no-such-program: command not found/);
});

test('a killed recorder leaves a file that is good', async () => {
  const path = join(folder, 'killed.rec');
  const recorder = startCli(['record', '-o', path]);
  after(() => recorder.child.kill('SIGKILL'));
  const size = () => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  await recorder.said('Recording process spawns');
  while (size() === 0) await sleep(100);
  for (const before = size(); size() === before;) await sleep(100);
  recorder.child.kill('SIGKILL');
  await recorder.result;
  const { status, stderr } = await runCli('replay', path, 'hist');
  assert.equal(status, 0, stderr);
});

test('a recording by process answers for one of them; another refuses to', async () => {
  const [plain, labelled] = [join(folder, 'plain.rec'), join(folder, 'labelled.rec')];
  const load = [SPAWNLOAD, '--count', '7', '--mechanism', 'vfork', '--no-exec'];
  await runCli('record', '-o', plain, '--', ...load);
  const refused = await runCli('replay', plain, 'hist', '-p', '1');
  assert.deepEqual([refused.status, /record with --label pid/.test(refused.stderr)], [1, true]);
  const { stdout } = await runCli('record', '-o', labelled, '--label', 'pid', '--', ...load);
  const { pid } = lastRecord(stdout);
  assert.equal(lastRecord((await runCli('replay', labelled, 'hist', '--json', '-p', `${pid}`)).stdout).count, 7);
  assert.equal((await runCli('replay', labelled, 'hist', '--json', '-p', '1')).stdout, '');
});

test('a recording answers for single spawns of one process in any case, and for advice', async () => {
  const path = join(folder, 'advice.rec');
  const { stdout } = await runCli(
    'record',
    '-o',
    path,
    '--',
    SPAWNLOAD,
    '--count',
    '7',
    '--mechanism',
    'fork',
    '--rss',
    '67108864',
  );
  const recordedMs = Date.now();
  const { pid, stallNs } = lastRecord(stdout);
  const ofOne = lastRecord((await runCli('replay', path, 'snoop', '--json', '-p', `${pid}`)).stdout);
  assert.deepEqual([ofOne.mechanisms.fork.spawns, ofOne.counted_spawns], [7, undefined], 'rows are not of processes');
  assert.equal(
    lastRecord((await runCli('replay', path, 'snoop', '--json', '-p', '1')).stdout).mechanisms.fork,
    undefined,
  );

  const again = lastRecord((await runCli('replay', path, 'snoop', '--json')).stdout);
  const times = [ofOne.time, again.time].map((time) => Date.parse(time));
  assert.equal(times[0], times[1], 'the time is that of the recording');
  assert.ok((times[0] ?? Infinity) <= recordedMs);

  const { spawners, afork_cost_ns: aforkCost } = lastRecord((await runCli('replay', path, 'advise', '--json')).stdout);
  assert.equal(spawners.length, 1);
  const [{ spawns, avoidable_ns: avoidable, executable }] = spawners;
  assert.deepEqual([spawns, executable], [7, undefined]);
  assert.ok(avoidable > 0 && avoidable <= stallNs.sum - 7 * aforkCost);
  const text = (await runCli('replay', path, 'advise')).stdout;
  assert.match(text, /^afork is taken to cost 25\.0us, as when this was recorded/);
  const refused = await runCli('replay', path, 'advise', '--by', 'pid');
  assert.deepEqual([refused.status, /record with --label pid/.test(refused.stderr)], [1, true]);
  assert.equal((await runCli('replay', path, 'advise', '--url', 'http://localhost:1')).status, 2);
});

test('a recording is served as a collector serves this host', async (t) => {
  const path = join(folder, 'served.rec');
  const load = [SPAWNLOAD, '--count', '30', '--rate', '10', '--mechanism', 'vfork'];
  const { stdout } = await runCli('record', '-o', path, '--', ...load);
  const serve = await startServing(['replay', '--speed', '2', path, 'serve'], ['--metrics=stall,cow-time']);
  t.after(() => serve.stop());
  await serve.said('the recording has ended');
  const spawns = (await serve.scrape()).filter(({ name }) => name === 'forktax_spawns_total');
  assert.deepEqual(
    spawns.map(({ labels, value }) => [labels['mechanism'], value]),
    [['vfork', 30]],
  );
  const costs = (await (await fetch(`${serve.url}/api/v1/costs`)).json()) as Costs;
  assert.ok((costs.rows[0]?.stall.sum ?? NaN) <= lastRecord(stdout).stallNs.sum);
  const history = (await (await fetch(`${serve.url}/api/v1/history`)).json()) as { points: { at_ms: number }[] };
  const times = history.points.map(({ at_ms: atMs }) => atMs);
  assert.ok(times.length >= 1 && times.every((ms, i) => ms > (times[i - 1] ?? 0)), 'time is that of the recording');
  const { status, stderr } = await serve.stop();
  assert.equal(status, 0);
  assert.match(stderr, /time of copy-on-write faults could not be measured: cow_fault_times: it was not recorded/);
});

test('errors of files and options are told', async () => {
  const full = await runCli('record', '-o', '/dev/full', '-d', '1s');
  assert.equal(full.status, 1);
  assert.match(full.stderr, /cannot write \/dev\/full: .*no space.*FORKTAX_RECORDING/is);
  const foreign = await runCli('replay', SPAWNLOAD, 'snoop');
  assert.equal(foreign.status, 1);
  assert.match(foreign.stderr, /is not a recording/);
  for (const bad of [
    ['record'],
    ['record', '-o', 'x', '--max-size', '0'],
    ['record', '-o', 'x', '-p', '1', '--', 'true'],
    ['replay', SPAWNLOAD, 'doctor'],
    ['replay', '--speed', '-1', SPAWNLOAD, 'snoop'],
    ['replay', '--at', '25:00', SPAWNLOAD, 'snoop'],
    ['replay', SPAWNLOAD, 'hist', '--engine', 'core'],
    ['replay', SPAWNLOAD, 'serve', '--config.check', '--label=cgroup'],
  ])
    assert.equal((await runCli(...bad)).status, 2, bad.join(' '));
  const { stderr } = await runCli('replay', SPAWNLOAD, 'serve', '--pin=/sys/fs/bpf/x', '--max-spawners=7');
  assert.match(stderr, /replay serve cannot use --max-spawners, --pin: a recording is as it was made/);
  assert.ok(!readFileSync(SPAWNLOAD).includes('forktaxRecording'));
});
