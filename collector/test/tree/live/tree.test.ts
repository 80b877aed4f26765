/** The tree of a build has the processes that strace sees, no more and no fewer. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
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

/** An npm build whose linter starts a shell for each of its files. */
const FILES = 5;
writeFileSync(
  join(folder, 'package.json'),
  JSON.stringify({ scripts: { prebuild: 'true', build: 'node lint.cjs && sh -c /bin/true' } }),
);
writeFileSync(
  join(folder, 'lint.cjs'),
  `for (let i = 0; i < ${FILES}; i++) require('node:child_process').execSync('/bin/true ' + i + '; /bin/true');\n`,
);
const NPM_BUILD = ['npm', '--prefix', folder, '--silent', '--no-update-notifier', '--offline', 'run', 'build'];

/** Calls that made a process, not a thread. */
function countByStrace(build: readonly string[] = BUILD): number {
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
    ...build,
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

test('an npm build: as many processes as strace counts, and a line for the shells under the linter', async () => {
  const { status, stdout, stderr } = await runCli('tree', '--json', '--', ...NPM_BUILD);
  assert.equal(status, 0, stderr);
  assert.equal(recordsOf(stdout).at(-1)?.['processes'], countByStrace(NPM_BUILD));
  const text = await runCli('tree', '--', ...NPM_BUILD);
  assert.match(text.stdout, / node lint\.cjs\n.* sh -c ×5 …\n.* true ×10 …\n/);
});

test('the sentence at the end says what it cost; the exit status is that of the command', async () => {
  const { status, stdout, stderr } = await runCli('tree', '--', 'sh', '-c', '/bin/true; /bin/true; exit 5');
  assert.equal(status, 5);
  assert.match(stderr, /: 2 processes, parents stood still for \S+, of it \S+ for 2 starts of true under sh$/m);
  assert.match(stdout, /^ *\S+ +2 .* {2}true ×2$/m);
});

const argsOf = (stdout: string): unknown[] =>
  recordsOf(stdout).flatMap(({ args, args_cut: cut }) => (args === undefined ? [] : [[args, cut]]));

test('command lines are those that the processes got, and absent where nobody wants them', async () => {
  const long = 'x'.repeat(600);
  const script = `/bin/echo 'a b' '' ünï; /bin/true ${long}; (exec /bin/false)`;
  const { stdout } = await runCli('tree', '--json', '--', 'sh', '-c', script);
  assert.deepEqual(argsOf(stdout), [
    [['/bin/echo', 'a b', '', 'ünï'], undefined],
    [['/bin/true', long.slice(0, 512 - '/bin/true\0'.length)], true],
    [['/bin/false'], undefined],
  ]);
  const text = await runCli('tree', '--', 'sh', '-c', '/bin/sleep 0.01; sh -c "/bin/true one; /bin/true two"');
  assert.match(text.stdout, / sh -c '\/bin\/true one; \/bin\/true two'\n.* {4}true ×2 …\n/);
  const without = await runCli('tree', '--json', '--no-args', '--', 'sh', '-c', script);
  assert.deepEqual(argsOf(without.stdout), []);
  assert.equal(recordsOf(without.stdout).at(-1)?.['processes'], 3);
});

test('of a running process, only the command lines of its descendants are read', async () => {
  const shell = spawn('sh', ['-c', 'read go; sh -c "/bin/true mine; exit 0"; read end'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  after(() => shell.kill());
  const watcher = startCli(['tree', '--json', '-p', String(shell.pid)]);
  await watcher.said('Watching process spawns');
  execFileSync('/bin/true', ['not mine']);
  shell.stdin.write('go\n');
  shell.stdin.end('end\n');
  const { stdout } = await watcher.result;
  assert.deepEqual(
    argsOf(stdout).map((line) => (line as string[][])[0]),
    [
      ['sh', '-c', '/bin/true mine; exit 0'],
      ['/bin/true', 'mine'],
    ],
  );
});

test('the whole host and a recording show no command lines', async () => {
  const watcher = startCli(['tree', '--json']);
  await watcher.said('Watching process spawns');
  execFileSync('/bin/true', ['a-secret-of-somebody']);
  watcher.child.kill('SIGINT');
  const { stdout } = await watcher.result;
  assert.ok(recordsOf(stdout).some(({ file }) => file === '/bin/true'));
  assert.ok(!stdout.includes('a-secret-of-somebody'));
  const path = join(folder, 'secret.rec');
  await runCli('record', '-o', path, '--', 'sh', '-c', '/bin/true another-secret; exit 0');
  const replayed = await runCli('replay', path, 'tree', '--json');
  assert.deepEqual(argsOf(replayed.stdout), []);
  assert.equal(recordsOf(replayed.stdout).at(-1)?.['processes'], 1);
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
