/** --pid shows how a running process would be run, and --replace runs it that way. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { NOBODY, WHY_HIDDEN } from '../../../../testing/nobody.ts';
import { FORKTAX, runPlain } from '../run.ts';
import { temporaryDirectory } from '../temporary.ts';

const SAYS = `
  const { execSync } = require('node:child_process');
  const { GREETING, NODE_OPTIONS } = process.env;
  execSync('true');
  process.once('SIGTERM', () => { console.log('ending'); process.exit(0); });
  console.log(JSON.stringify({
    pid: process.pid, argv: process.argv.slice(2), directory: process.cwd(), GREETING, NODE_OPTIONS,
    uid: process.getuid(), groups: process.getgroups(), umask: process.umask(),
  }));
  setInterval(() => {}, 1000);
  `;

interface Said {
  readonly pid: number;
  readonly NODE_OPTIONS?: string;
}

/** Starts a process that is to be replaced, and gives what it says about itself. */
async function start(
  directory: { path: string; write: (name: string, text: string) => string },
  before: string[] = [],
) {
  const words = [...before, process.execPath, directory.write('app.cjs', SAYS), 'one two', ''];
  const [command = '', ...args] = words;
  const env = { ...process.env, GREETING: 'hello\nthere', NODE_OPTIONS: '--no-deprecation' };
  const child = spawn(command, args, { cwd: directory.path, env, stdio: ['ignore', 'pipe', 'inherit'] });
  return { child, said: await nextLine(child) };
}

async function nextLine(child: ChildProcess): Promise<Said> {
  const ended = once(child, 'close').then(() => {
    throw new Error('it ended without a word');
  });
  const [text] = (await Promise.race([once(child.stdout as NodeJS.ReadableStream, 'data'), ended])) as [Buffer];
  ended.catch(() => {}); // it may end now
  return JSON.parse(String(text)) as Said;
}

async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

const inspect = (...args: string[]) => runPlain([...FORKTAX, 'relaunch', ...args]);

test('what would be run is shown, and nothing is done', async () => {
  using directory = temporaryDirectory();
  const { child, said } = await start(directory);
  try {
    const { status, stderr } = await inspect('--pid', String(said.pid));
    assert.equal(status, 0);
    assert.match(
      stderr,
      new RegExp(`^process ${said.pid} \\((node|MainThread)\\) of user 0, .*MiB of memory of its own\n`),
    );
    assert.match(stderr, /app.cjs 'one two' ''\n/);
    assert.match(
      stderr,
      new RegExp(`  in ${directory.path}\nvia node: .* is Node.js\n  NODE_OPTIONS=--no-deprecation --require=`),
    );
    assert.match(stderr, new RegExp(`forktax relaunch --pid ${said.pid} --replace\n$`));
    assert.deepEqual([child.exitCode, child.signalCode], [null, null]);
  } finally {
    await end(child);
  }
});

const WITH_UMASK = ['sh', '-c', 'umask 027; exec "$@"', 'sh'];

for (const before of [WITH_UMASK, ['setpriv', '--reuid=65534', '--regid=65533', '--groups=65532,65531', '--']])
  test(
    `--replace${before === WITH_UMASK ? '' : ' of another user’s process'}: the same again, with afork`,
    {
      skip: before !== WITH_UMASK && WHY_HIDDEN,
    },
    async () => {
      using directory = temporaryDirectory();
      const { child, said } = await start(directory, before);
      const report = directory.write('report', '');
      const [command, ...args] = [
        ...FORKTAX,
        'relaunch',
        '--json',
        '--report',
        report,
        '--pid',
        String(said.pid),
        '--replace',
      ];
      const forktax = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], cwd: '/' });
      try {
        const again = await nextLine(forktax);
        assert.deepEqual([child.exitCode, child.signalCode], [0, null], 'it was asked to end, and did');
        assert.notEqual(again.pid, said.pid);
        assert.match(again.NODE_OPTIONS ?? '', /^--no-deprecation --require=.*register/);
        assert.deepEqual({ ...again, pid: 0, NODE_OPTIONS: '' }, { ...said, pid: 0, NODE_OPTIONS: '' });
        assert.equal(readlinkSync(`/proc/${again.pid}/exe`), process.execPath);
      } finally {
        await end(forktax, 'SIGTERM');
        await end(child);
      }
      assert.equal(forktax.exitCode, 0);
      const { run } = JSON.parse(readFileSync(report, 'utf8')) as {
        run: { programs: { mechanism: string; spawns: number }[] };
      };
      assert.deepEqual(
        run.programs.map(({ mechanism, spawns }) => [mechanism, spawns]),
        [['afork', 1]],
      );
    },
  );

const CGROUPS = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified', '/sys/fs/cgroup/systemd'].find((path) =>
  existsSync(`${path}/cgroup.procs`),
);

test('a service of systemd gets its drop-in, and lives', { skip: CGROUPS === undefined && 'no cgroups' }, async () => {
  using directory = temporaryDirectory();
  const { child, said } = await start(directory);
  const unit = `forktax-test-${process.pid}.service`;
  mkdirSync(`${CGROUPS}/${unit}`);
  try {
    writeFileSync(`${CGROUPS}/${unit}/cgroup.procs`, String(said.pid));
    const { status, stderr } = await inspect('--replace', '--pid', String(said.pid));
    assert.equal(status, 0);
    assert.ok(
      stderr.includes(
        `write this to /etc/systemd/system/${unit}.d/forktax.conf:\n\n[Service]\nEnvironment="NODE_OPTIONS=--no-`,
      ),
    );
    assert.match(stderr, new RegExp(`\n  systemctl daemon-reload\n  systemctl restart ${unit}\n$`));
    assert.deepEqual([child.exitCode, child.signalCode], [null, null]);
  } finally {
    await end(child);
    rmdirSync(`${CGROUPS}/${unit}`);
  }
});

test('what must not be replaced is refused, and lives', async () => {
  using directory = temporaryDirectory();
  const { child, said } = await start(directory);
  const [quiet, confined] = [
    ['sleep', '1000'],
    ['setpriv', '--no-new-privs', '--', process.execPath, '-e', 'setInterval(() => {}, 9)'],
  ].map(([command = '', ...args]) => spawn(command, args, { stdio: 'ignore' })) as [ChildProcess, ChildProcess];
  try {
    await Promise.all([once(quiet, 'spawn'), once(confined, 'spawn')]);
    const kernelThread = 2;
    const cases: [string, RegExp, string[]?][] = [
      [String(kernelThread), /is not replaced: it is a kernel thread/],
      [String(process.pid), /is not replaced: this command runs in it/],
      [String(quiet.pid), /is not replaced: via none: .* imports no function that makes a process/],
      [String(confined.pid), /is not replaced: it is confined/],
      [String(2 ** 22), /there is no process 4194304/],
    ];
    for (const [pid, expected] of cases) {
      const { status, stderr } = await inspect('--replace', '--pid', pid);
      assert.equal(status, 1, stderr);
      assert.match(stderr, expected);
    }
    const other = await runPlain([...NOBODY, ...FORKTAX, 'relaunch', '--replace', '--pid', String(said.pid)]);
    assert.deepEqual([other.status, /this user may not inspect process/.test(other.stderr)], [1, true], other.stderr);
    for (const each of [child, quiet, confined]) assert.deepEqual([each.exitCode, each.signalCode], [null, null]);
  } finally {
    for (const each of [child, quiet, confined]) await end(each);
  }
});
