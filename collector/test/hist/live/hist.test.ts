/** `forktax hist` counts what spawnload does. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { prepareSpawnload, type Truth } from '../../../../native/spawnload/spawnload.ts';
import { makeCgroup } from '../../../../testing/cgroups.ts';
import { startCli } from '../../../../testing/run-cli.ts';
import { SPAWNLOAD, uniqueComm } from '../../../../testing/spawnload.ts';

const COUNT = 50;

interface Histogram {
  readonly name: string;
  readonly count: number;
  readonly sum: number;
  readonly buckets: readonly { readonly le: number | null; readonly count: number }[];
}

async function histWhile(load: readonly string[], ...flags: string[]): Promise<{ truth: Truth; stdout: string }> {
  const generator = await prepareSpawnload(load);
  const hist = startCli(['hist', '-p', String(generator.pid), ...flags]);
  await hist.said('Measuring process spawns');
  const truth = await generator.go();
  hist.child.kill('SIGINT');
  const { status, stdout } = await hist.result;
  assert.equal(status, 0);
  return { truth, stdout };
}

test('each figure has as many values as there were spawns', async () => {
  for (const figure of ['stall', 'rss', 'exec-delay', 'lifetime']) {
    const { truth, stdout } = await histWhile(['--count', `${COUNT}`], '--json', '--of', figure);
    const histogram: Histogram = JSON.parse(stdout);
    assert.deepEqual([histogram.name, histogram.count], ['fork', COUNT], figure);
    assert.equal(
      histogram.buckets.reduce((sum, { count }) => sum + count, 0),
      COUNT,
    );
    if (figure === 'stall') assert.ok(histogram.sum > 0 && histogram.sum <= truth.stallNs.sum);
  }
});

test('Ctrl-C prints the histogram', async () => {
  const { stdout } = await histWhile(
    ['--mechanism', 'vfork', '--comm', 'histload', '--count', `${COUNT}`],
    '--by',
    'spawner',
  );
  assert.match(stdout, /^\nspawner = histload\n {5}time {16}: count {4}distribution\n/);
  assert.match(stdout, /\|\*{40}\|\n/);
  assert.match(stdout, new RegExp(`\ncount ${COUNT}, average `));
});

test('spawners whose names differ in bytes that are no text are all counted', async () => {
  const prefix = uniqueComm();
  const hist = startCli(['hist', '--by', 'spawner', '--top', '100000', '--json']);
  await hist.said('Measuring process spawns');
  for (const [byte, count] of [
    ['377', 30],
    ['376', 20],
  ] as const) {
    const loadOf = `exec "$1" --comm "$(printf '${prefix}\\${byte}')" --count ${count}`;
    execFileSync('bash', ['--norc', '-c', loadOf, 'bash', SPAWNLOAD], { env: { LC_ALL: 'C' } });
  }
  hist.child.kill('SIGINT');
  const { stdout } = await hist.result;
  const histograms = stdout
    .trim()
    .split('\n')
    .map((line): Histogram => JSON.parse(line));
  const counts = histograms.filter(({ name }) => name.startsWith(prefix)).map(({ count }) => count);
  assert.deepEqual(counts, [50]);
});

test('where nothing spawns, it says so', async () => {
  const { stdout } = await histWhile(['--count', '0']);
  assert.equal(stdout, '\nno spawns\n');
});

test('--unit takes what its cgroups hold, and nothing else', async () => {
  const comm = uniqueComm();
  using unit = makeCgroup(`/system.slice/${comm}.service/below`);
  using other = makeCgroup(`/system.slice/${comm}-2.service`);
  const hist = startCli(['hist', '-n', comm, '--unit', comm, '--json']);
  await hist.said('Measuring process spawns');
  unit.run(SPAWNLOAD, '--comm', comm, '--count', '4');
  other.run(SPAWNLOAD, '--comm', comm, '--count', '7');
  hist.child.kill('SIGINT');
  const { stdout } = await hist.result;
  assert.equal((JSON.parse(stdout) as Histogram).count, 4);
});
