/** A recording with call stacks shows the sites that `forktax sites` shows live. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { runCli, startCli } from '../../../../testing/run-cli.ts';
import { buildChain } from '../../sites/live/chain.ts';

const SPAWNS = 60;
const { folder, program } = buildChain();
const path = join(folder, 'stacks.rec');

/** Runs the chain while a command watches it; gives what that printed. */
async function watch(...args: readonly string[]): Promise<string> {
  const chain = spawn(program, ['fork', `${SPAWNS}`], { stdio: ['pipe', 'pipe', 'inherit'] });
  after(() => chain.kill('SIGKILL'));
  const watching = startCli([...args, '-p', `${chain.pid}`]);
  await watching.said(args[0] === 'record' ? 'Recording process spawns' : 'Watching process spawns');
  chain.stdin.write('\n');
  await once(chain.stdout, 'data');
  // The chain lives until its stacks are unwound.
  watching.child.kill('SIGINT');
  const { status, stdout, stderr } = await watching.result;
  chain.stdin.end();
  assert.equal(status, 0, stderr);
  return stdout;
}

const replay = async (...args: readonly string[]): Promise<string> => {
  const { status, stdout, stderr } = await runCli('replay', path, ...args);
  assert.equal(status, 0, stderr);
  return stdout;
};
const records = (stdout: string) =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

before(async () => {
  await watch('record', '--stacks', '-o', path);
});

test('sites of a recording are those of the program, and their sums those of its other commands', async () => {
  const [site, summary, ...others] = records(await replay('sites', '--json'));
  assert.deepEqual(others, []);
  assert.deepEqual([site.spawns, site.end, summary.not_sampled, summary.over_limit], [SPAWNS, 'complete', 0, 0]);
  const chain = ['spawn_once', 'inner', 'pass_on', 'outer', 'repeat', 'main'];
  const names = site.frames.map(({ function: name }: { function: string }) => name);
  assert.deepEqual(
    names.filter((name: string) => chain.includes(name)),
    chain,
  );
  const { fork } = records(await replay('snoop', '--json')).at(-1).mechanisms;
  assert.deepEqual([summary.spawns, summary.stall_sum_ns], [fork.spawns, fork.stall_sum_ns]);
});

test('folded, it is what sites prints live; a table and a profile are printed too', async () => {
  const live = await watch('sites', '--folded', '--weight', 'spawns');
  assert.match(live, new RegExp(`;main;.* ${SPAWNS}\n$`));
  assert.equal(await replay('sites', '--folded', '--weight', 'spawns'), live);
  assert.match(await replay('sites'), /chain: \w*fork {2}(fork\.c:\d+|libc\.so\.6)\n +← spawn_once {2}chain\.c:\d+/);
  const profile = join(folder, 'stacks.pb.gz');
  await replay('sites', '--pprof', '-o', profile);
  assert.ok(gunzipSync(readFileSync(profile)).includes('spawn_once'));
});

test('stacks of a recording that is played in parts belong to their spawns', async () => {
  const [site] = records(await replay('sites', '--json', '-d', '1h'));
  assert.deepEqual([site.spawns, site.end], [SPAWNS, 'complete']);
});

test('what cannot be is told', async () => {
  const plain = join(folder, 'plain.rec');
  await runCli('record', '-o', plain, '--', 'true');
  const without = await runCli('replay', plain, 'sites');
  assert.deepEqual([without.status, /holds no call stacks; record with --stacks/.test(without.stderr)], [1, true]);
  assert.equal((await runCli('replay', path, 'sites', '--', 'true')).status, 2);
  assert.equal((await runCli('replay', path, 'sites', '--stack-bytes', '4K')).status, 2);
  assert.equal((await runCli('record', '--stacks', '--engine', 'bpftrace', '-o', plain, '-d', '1s')).status, 1);
});
