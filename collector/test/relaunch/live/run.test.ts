/** relaunch runs a program as a shell does, and its report says what the program did. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { NOBODY } from '../../../../testing/nobody.ts';
import { SPAWNLOAD, uniqueComm } from '../../../../testing/spawnload.ts';
import { FORKTAX, programOf, runPlain, runRelaunched } from '../run.ts';
import { temporaryDirectory } from '../temporary.ts';

const MiB = 1 << 20;

test('every spawn is counted, from the first on', async () => {
  for (const mechanism of ['fork', 'vfork', 'afork'] as const) {
    const comm = uniqueComm();
    const load = ['--mechanism', mechanism, '--comm', comm, '--count', '20', '--rss', String(256 * MiB)];
    const { status, stdout, report } = await runRelaunched(['--via', 'none'], [SPAWNLOAD, ...load]);
    assert.equal(status, 0);
    assert.ok(report);
    const truth = JSON.parse(String(stdout)) as {
      spawned: number;
      rssBytes: { sum: number };
      stallNs: { sum: number };
    };
    const program = programOf(report.run, comm);
    assert.deepEqual([program.mechanism, program.spawns, program.execs, truth.spawned], [mechanism, 20, 20, 20]);
    assert.ok(program.stall_p50_ns <= program.stall_p99_ns && program.stall_p99_ns <= program.stall_max_ns);
    assert.ok(program.stall_max_ns <= program.stall_sum_ns && program.stall_sum_ns <= truth.stallNs.sum);
    const copied = mechanism === 'fork' ? truth.rssBytes.sum : 0;
    assert.ok(Math.abs(program.copied_rss_bytes - copied) <= 0.01 * copied, `${program.copied_rss_bytes} of ${copied}`);
    assert.equal(report.run.events_lost, 0);
    assert.deepEqual(report.run.failures, []);
  }
});

test('descendants are counted as themselves, strangers are not', async () => {
  const stranger = runPlain([SPAWNLOAD, '--mechanism', 'vfork', '--comm', 'stranger', '--count', '200']);
  const [inner, script] = [uniqueComm(), `${SPAWNLOAD} --mechanism vfork --comm "$1" --count 7 >/dev/null; true`];
  const { report } = await runRelaunched([], ['bash', '-c', script, 'bash', inner]);
  await stranger;
  assert.ok(report);
  const { programs } = report.run;
  assert.deepEqual(
    programs.map(({ comm, spawns }) => [comm, spawns]).toSorted(),
    [
      ['bash', 1],
      [inner, 7],
    ].toSorted(),
  );
  assert.equal(report.run.total.spawns, 8);
});

test('failed execs are reported by name', async () => {
  const comm = uniqueComm();
  const load = ['--mechanism', 'posix_spawn', '--exec-missing', '--comm', comm, '--count', '5'];
  const { report } = await runRelaunched(['--via', 'none'], [SPAWNLOAD, ...load]);
  assert.deepEqual(report?.run.failures, [{ kind: 'exec', comm, error: 'ENOENT', count: 5 }]);
});

const SCRIPTS = [
  ['the status', 'exit 7', 7],
  ['a signal', 'kill -KILL $$', 137],
  ['another', 'kill -TERM $$', 143],
  ['input', 'cat; echo end >&2; exit 3', 3],
  ['arguments', 'printf "<%s>" "$0" "$@"', 0],
] as const;

for (const [what, script, expected] of SCRIPTS)
  test(`as a shell: ${what}`, async () => {
    const input = Buffer.from([...Array(300_000).keys()].map((i) => i % 256));
    const command = ['bash', '-c', script, 'zero', 'one two', '--', '', '-x'];
    const plain = await runPlain(['bash', '-c', '"$@"; exit $?', 'bash', ...command], { input });
    const relaunched = await runRelaunched([], command, { input });
    assert.deepEqual([relaunched.status, relaunched.signal], [plain.status, null]);
    assert.equal(relaunched.status, expected);
    assert.deepEqual(relaunched.stdout, plain.stdout);
    assert.equal(relaunched.report?.run.status, expected);
  });

test('as a shell: a program that is missing, is no program, or may not run', async () => {
  using directory = temporaryDirectory();
  const cases: [string, number][] = [
    [`${directory.path}/missing`, 127],
    ['no-such-program', 127],
    [directory.write('plain', 'echo hello\n', 0o644), 126],
    [directory.path, 126],
    [directory.write('interpreter', '#!/no/such/interpreter\n'), 127],
    [directory.write('binary', 'MZ\0\0'), 126],
    [directory.write('empty', ''), 0],
    [directory.write('script', 'echo "$0" "$1"; exit 5\n'), 5],
  ];
  for (const [path, expected] of cases) {
    const plain = await runPlain(['bash', '-c', '"$@"', 'bash', path, 'a']);
    const { status, stdout, stderr, report } = await runRelaunched([], [path, 'a']);
    assert.deepEqual([status, plain.status], [expected, expected], path);
    assert.deepEqual(stdout, plain.stdout);
    assert.equal(report === undefined, expected > 100);
    assert.match(stderr, expected > 100 ? /^forktax: .*\n.*\[FORKTAX_NOT_(FOUND|EXECUTABLE)\]\n$/ : /^$/);
  }
});

test('a pipe that closes ends the program, and the report is written all the same', async () => {
  using directory = temporaryDirectory();
  const report = directory.write('report', '');
  const script = '"$@" | head -n 1; exit ${PIPESTATUS[0]}';
  const words = [...FORKTAX, 'relaunch', '--report', report, '--', 'yes'];
  const { status, stdout } = await runPlain(['bash', '-c', script, 'bash', ...words]);
  assert.deepEqual([status, String(stdout)], [128 + 13, 'y\n']);
  assert.match(readFileSync(report, 'utf8'), /^forktax: yes: killed by SIGPIPE after /);
});

test('bytes that are no UTF-8, in arguments and environment', async () => {
  const script = `export X=$'\\xff\\xfe'; exec "$@" $'caf\\xe9'`;
  const command = ['sh', '-c', 'printf "%s %s" "$X" "$1"', 'sh'];
  const { stdout } = await runPlain(['bash', '-c', script, 'bash', ...FORKTAX, 'relaunch', '--', ...command]);
  assert.deepEqual(stdout, Buffer.from('\xff\xfe caf\xe9', 'latin1'));
});

test('descriptors and limits are handed on', async () => {
  using directory = temporaryDirectory();
  const report = directory.write('report', '');
  const [three, nine, thirty] = ['three', 'nine', 'thirty'].map((name) => directory.write(name, name)) as [
    string,
    string,
    string,
  ];
  const list = 'ulimit -Sn; cat <&3; cat <&9; cat <&30; ls /proc/self/fd | wc -l';
  const script = `ulimit -Sn 1234; exec 3<${three} 9<${nine} 30<${thirty}; "$@"; true`;
  const plain = await runPlain(['bash', '-c', script, 'bash', 'bash', '-c', list]);
  const { stdout } = await runPlain([
    'bash',
    '-c',
    script,
    'bash',
    ...FORKTAX,
    'relaunch',
    '--report',
    report,
    '--',
    'bash',
    '-c',
    list,
  ]);
  assert.match(String(stdout), /^1234\nthreeninethirty/);
  assert.equal(String(stdout), String(plain.stdout));
});

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGWINCH'] as const)
  test(`${signal} is handed on`, async () => {
    const name = signal.slice(3);
    const script = `trap "echo got ${name}; exit 9" ${name}; echo ready; while :; do sleep 0.02; done`;
    const { status, stdout } = await runRelaunched([], ['bash', '-c', script], {
      onStart: (child) => child.stdout?.once('data', () => child.kill(signal)),
    });
    assert.deepEqual([status, String(stdout)], [9, `ready\ngot ${name}\n`]);
  });

test('without privilege it runs, unmeasured, and says so in one line', async () => {
  const command = ['sh', '-c', 'id -u; echo talk >&2; exit 4'];
  const child = await runPlain([...NOBODY, ...FORKTAX, 'relaunch', '--', ...command]);
  assert.deepEqual([child.status, String(child.stdout)], [4, '65534\n']);
  const said = /^forktax: via none: .*; not measured: .*; run as root, or see forktax doctor\ntalk\n$/;
  assert.match(child.stderr, said);
  const { report } = await runRelaunched([], command, { before: NOBODY });
  assert.deepEqual([report?.run.measured, report?.run.not_measured?.code], [false, 'FORKTAX_NO_PRIVILEGE']);
});

test('in a pid namespace of its own it runs, unmeasured', async () => {
  const words = ['unshare', '--pid', '--fork', '--mount-proc', ...FORKTAX, 'relaunch', '--', 'sh', '-c', 'exit 4'];
  const { status, stderr } = await runPlain(words);
  assert.deepEqual(
    [status, /^forktax: via none: .*; not measured: .* other pids .*\n$/.test(stderr)],
    [4, true],
    stderr,
  );
});

test('the report goes to standard error, and the program’s own is left alone', async () => {
  const { stdout, stderr } = await runPlain([
    ...FORKTAX,
    'relaunch',
    '--',
    'sh',
    '-c',
    'echo out; echo talk >&2; ls /nowhere; exit 2',
  ]);
  assert.equal(String(stdout), 'out\n');
  assert.match(stderr, /^talk\nls: .*\nforktax: sh -c '.*': exit status 2 after /);
  assert.match(
    stderr,
    /via none: .*\n.*\n1 spawn\n\nCOMM +MECH .*\nsh +v?fork +1 .*\n\nstall of v?fork\n +time +: count/,
  );
});

test('nobody reads the report: the status is the program’s all the same', async () => {
  const script = '"$@" 2> >(exec true); exit $?';
  const words = [...FORKTAX, 'relaunch', '--', 'sh', '-c', 'sleep 0.2; exit 3'];
  assert.equal((await runPlain(['bash', '-c', script, 'bash', ...words])).status, 3);
});

test('a report that cannot be written is known before the program runs', async () => {
  const { status, stdout } = await runPlain([
    ...FORKTAX,
    'relaunch',
    '--report',
    '/nowhere/report',
    '--',
    'echo',
    'ran',
  ]);
  assert.deepEqual([status, String(stdout)], [2, '']);
});

test('a file as input is read on from where it stands', async () => {
  using directory = temporaryDirectory();
  const file = openSync(directory.write('input', 'first\nsecond\n'), 'r');
  const words = [
    'sh',
    '-c',
    'read line; exec "$@"',
    'sh',
    ...FORKTAX,
    'relaunch',
    '--compare',
    '--runs',
    '2',
    '--via',
    'preload',
    '--',
    'cat',
  ];
  const [program = '', ...args] = words;
  const child = spawn(program, args, { stdio: [file, 'pipe', 'ignore'] });
  const chunks = (await child.stdout?.toArray()) as Buffer[];
  await (child.exitCode ?? once(child, 'exit'));
  closeSync(file);
  assert.equal(String(Buffer.concat(chunks)), 'second\n'.repeat(4));
  assert.equal(readFileSync(`${directory.path}/input`, 'utf8'), 'first\nsecond\n');
});

test('a report that cannot be written to the end does not change the exit status', async () => {
  const words = [...FORKTAX, 'relaunch', '--report', '/dev/full', '--', 'sh', '-c', 'echo ran; exit 3'];
  const { status, stdout, stderr } = await runPlain(words);
  assert.deepEqual([status, String(stdout)], [3, 'ran\n']);
  assert.match(stderr, /^forktax: the report could not be written: ENOSPC: .*\n$/);
});
