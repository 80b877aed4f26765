import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VERSION } from '../system/version.ts';
import { runCli, startCli } from '../../testing/run-cli.ts';

test('the version and help go to stdout', async () => {
  assert.deepEqual(await runCli('--version'), { status: 0, stdout: `${VERSION}\n`, stderr: '' });
  const { status, stdout, stderr } = await runCli('snoop', '--help');
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /^Usage: forktax snoop \[options\]\n/);
  assert.match(stdout, /\nExamples:\n {2}forktax snoop .*every spawn\n/);
});

test('without a command, help goes to stderr', async () => {
  const { status, stdout, stderr } = await runCli();
  assert.deepEqual([status, stdout], [2, '']);
  assert.match(stderr, /^Usage: forktax /);
});

test('a wrong command line gets one message, where help is, the code, and status 2', async () => {
  const cases: [args: string[], message: string, help: string][] = [
    [['snoop', '--jsno'], "unknown option '--jsno'; did you mean --json?", 'forktax snoop --help'],
    [['snop'], "unknown command 'snop'; did you mean snoop?", 'forktax --help'],
    [['snoop', '--follow'], '--follow needs --pid', 'forktax snoop --help'],
    [
      ['record', '-o', '/nonexistent', '-n', 'sh', '--', 'true'],
      'with descendants, --name cannot be recorded alone: give it to replay',
      'forktax record --help',
    ],
    [
      ['snoop', '--min-stall', '5'],
      "option '--min-stall <duration>' argument '5' is invalid. Give a number and a unit, such as 500us, 5ms, 1.5s or 2m.",
      'forktax snoop --help',
    ],
    [
      ['hist', '--by', 'moon'],
      "option '--by <group>' argument 'moon' is invalid. Allowed choices are mechanism, spawner.",
      'forktax hist --help',
    ],
  ];
  for (const [args, message, help] of cases) {
    const stderr = `forktax: ${message}\nSee ${help}. [FORKTAX_USAGE]\n`;
    assert.deepEqual(await runCli(...args), { status: 2, stdout: '', stderr });
  }
});

test('a reader that has left is no error', async () => {
  const { child, result } = startCli(['completion', 'bash']);
  child.stdout?.destroy();
  const { status, stderr } = await result;
  assert.deepEqual([status, stderr], [0, '']);
});
