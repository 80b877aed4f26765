/** The tree of a build has the processes that strace sees, no more and no fewer. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { prepareSpawnload } from '../../../../native/spawnload/spawnload.ts';
import { runCli, startCli } from '../../../../testing/run-cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'forktax-tree-'));
after(() => rmSync(folder, { recursive: true }));

const TARGETS = 12;
const makefile = join(folder, 'Makefile');
writeFileSync(
  makefile,
  `all: ${Array.from({ length: TARGETS }, (_, index) => `t${index}`).join(' ')}\n` +
    't%:\n\t@sh -c "/bin/true; (/bin/true; /bin/echo x | /bin/cat > /dev/null); exec gcc -xc -c /dev/null -o /dev/null"\n',
);
const BUILD = ['make', '-j4', '-f', makefile];

/** Calls that made a process, not a thread. */
function countByStrace(): number {
  const log = join(folder, 'strace.log');
  execFileSync('strace', [
    '-f',
    '-qq',
    '-e',
    'trace=fork,vfork,clone,clone3',
    '-e',
    'signal=none',
    '-o',
    log,
    ...BUILD,
  ]);
  const finished = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => /(fork|clone3?)\(.* = \d+$|<\.\.\. (v?fork|clone3?) resumed>.* = \d+$/.test(line));
  return finished.filter((line) => !line.includes('CLONE_THREAD')).length;
}

const recordsOf = (stdout: string): Record<string, unknown>[] =>
  stdout
    .trimEnd()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));

test('a build has as many processes as strace counts', async () => {
  const { status, stdout, stderr } = await runCli('tree', '--json', '--', ...BUILD);
  assert.equal(status, 0, stderr);
  const records = recordsOf(stdout);
  const summary = records.at(-1);
  assert.equal(summary?.['events_lost'], 0);
  assert.equal(summary['processes'], countByStrace());
  const [top, ...rest] = records.slice(0, -1);
  assert.equal(rest.length, summary['processes']);
  assert.deepEqual([top?.['name'], top?.['depth']], ['make', 0]);
  assert.equal(rest.filter(({ name }) => name === 'cc1').length, TARGETS);
  for (const record of rest) {
    assert.ok(Number(record['depth']) > 0, 'all are below make');
    for (const field of ['stall_ns', 'lifetime_ns', 'exit_status', 'parent'])
      assert.ok(field in record, `${field} of ${JSON.stringify(record)}`);
  }
});

test('the sentence at the end says what it cost; the exit status is that of the command', async () => {
  const { status, stdout, stderr } = await runCli('tree', '--', 'sh', '-c', '/bin/true; /bin/true; exit 5');
  assert.equal(status, 5);
  assert.match(stderr, /: 2 processes, parents stood still for \S+, of it \S+ for 2 starts of true under sh$/m);
  assert.match(stdout, /^ *\S+ +2 .* {2}true ×2$/m);
});

test('a process that runs already, and nothing else of the host', async () => {
  const generator = await prepareSpawnload(['--count', '30']);
  const watcher = startCli(['tree', '--json', '-p', String(generator.pid)]);
  await watcher.said('Watching process spawns');
  await generator.go();
  const records = recordsOf((await watcher.result).stdout);
  assert.equal(records.at(-1)?.['processes'], 30);
  assert.equal(records[0]?.['pid'], generator.pid);
});

test('a recording has the same tree', async () => {
  const path = join(folder, 'build.rec');
  assert.equal((await runCli('record', '-o', path, '--', ...BUILD)).status, 0);
  const { stdout } = await runCli('replay', path, 'tree', '--json');
  const summary = recordsOf(stdout).at(-1);
  assert.equal(summary?.['processes'], countByStrace());
});
