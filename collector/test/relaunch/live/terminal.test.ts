/** On a terminal, the program that relaunch runs behaves as a job of the shell. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinWords } from '../../../terminal/words.ts';
import { FORKTAX } from '../run.ts';
import { temporaryDirectory } from '../temporary.ts';
import { Terminal } from '../terminal.ts';

/** Gives the command line that relaunches a bash script, and drops the report. */
function relaunching(directory: { write: (name: string, text: string) => string }, ...command: string[]): string {
  return joinWords([...FORKTAX, 'relaunch', '--report', directory.write('report', ''), '--', ...command]);
}

test('its input, output and errors are the terminal', async () => {
  using directory = temporaryDirectory();
  await using terminal = await Terminal.open();
  const script = 'test -t 0 && test -t 1 && test -t 2 && echo started && read line && echo "got $line"';
  terminal.type(`${relaunching(directory, 'sh', '-c', script)}\r`);
  await terminal.until(/started/);
  terminal.type('typed\r');
  await terminal.until(/got typed/);
  await terminal.prompt();
});

test('it stops, is seen to be stopped, and goes on', async () => {
  using directory = temporaryDirectory();
  await using terminal = await Terminal.open();
  const said = await terminal.command(relaunching(directory, 'sh', '-c', 'kill -STOP $$; echo resumed; exit 3'));
  assert.match(said, /\[1\]\+ +Stopped/);
  assert.match(await terminal.command('fg'), /resumed/);
  assert.match(await terminal.command('echo status=$?'), /status=3/);
});

test('Ctrl-Z stops it, bg and fg continue it, Ctrl-C ends it', async () => {
  using directory = temporaryDirectory();
  await using terminal = await Terminal.open();
  // By exec: sh would vfork, and a child that is stopped before its exec keeps its parent from stopping.
  terminal.type(`${relaunching(directory, 'sh', '-c', 'echo started; exec sleep 1000')}\r`);
  await terminal.until(/started/);
  terminal.type('\x1a');
  assert.match(await terminal.prompt(), /\[1\]\+ +Stopped/);
  await terminal.command('bg');
  assert.match(await terminal.command('jobs'), /\[1\]\+ +Running/);
  terminal.type('fg\r');
  await terminal.until(/sleep 1000/);
  await sleepUntilForeground(terminal);
  assert.match(await terminal.command('echo status=$?'), /status=130/);
});

/** Until `fg` has put the job in the foreground, Ctrl-C goes to the shell. */
async function sleepUntilForeground(terminal: Terminal): Promise<void> {
  const prompt = terminal.prompt().then(() => 'prompt');
  const later = () => new Promise<string>((resolve) => setTimeout(() => resolve('later'), 500));
  do terminal.type('\x03');
  while ((await Promise.race([prompt, later()])) === 'later');
}

test('Ctrl-C comes once', async () => {
  using directory = temporaryDirectory();
  await using terminal = await Terminal.open();
  const script = 'trap "echo interrupted" INT; echo started; sleep 6; sleep 1; exit 5';
  terminal.type(`${relaunching(directory, 'sh', '-c', script)}\r`);
  await terminal.until(/started/);
  terminal.type('\x03');
  assert.equal([...(await terminal.prompt()).matchAll(/interrupted/g)].length, 1);
  assert.match(await terminal.command('echo status=$?'), /status=5/);
});

test('a shell in it has its own jobs, and can be suspended', async () => {
  using directory = temporaryDirectory();
  await using terminal = await Terminal.open();
  terminal.type(`${relaunching(directory, 'bash', '--norc', '--noprofile', '-i')}\r`);
  await terminal.until(/[#$] $/);
  terminal.type('cat\r');
  terminal.type('\x03');
  await terminal.until(/[#$] $/);
  terminal.type('suspend -f\r');
  assert.match(await terminal.prompt(), /\[1\]\+ +Stopped/);
  terminal.type('fg\r');
  await terminal.until(/[#$] $/);
  terminal.type('exit 4\r');
  await terminal.prompt();
  assert.match(await terminal.command('echo status=$?'), /status=4/);
});

test('--compare tells each run on the terminal', async () => {
  using directory = temporaryDirectory();
  await using terminal = await Terminal.open();
  const report = directory.write('report', '');
  const compare = ['relaunch', '--compare', '--runs', '2', '--via', 'preload', '--report', report];
  const said = await terminal.command(joinWords([...FORKTAX, ...compare, '--', 'sh', '-c', 'true']));
  const runs = said.match(/forktax: run .*/g)?.map((line) => line.replaceAll(/[\d.]+(ms|s)\b/g, 'TIME').trim());
  assert.deepEqual(runs, [
    'forktax: run 1 of 4, without afork',
    'forktax: run 2 of 4, with afork; TIME so far, about TIME to go',
    'forktax: run 3 of 4, without afork; TIME so far, about TIME to go',
    'forktax: run 4 of 4, with afork; TIME so far, about TIME to go',
  ]);
});
