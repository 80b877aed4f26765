/** `forktax top` on a terminal, as a person sees and uses it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prepareSpawnload } from '../../../../native/spawnload/spawnload.ts';
import { runCli } from '../../../../testing/run-cli.ts';
import { cliCommand, ScreenTerminal } from '../../../../testing/screen-terminal.ts';
import { startServe } from '../../../../testing/serve-process.ts';
import { uniqueComm } from '../../../../testing/spawnload.ts';

const SMALL = { columns: 80, rows: 24 };
const WIDE = { columns: 200, rows: 40 };
/** The screen before top, the cursor and the mouse as they were. */
const RESTORED = '\u001b[?1006l\u001b[?1000l\u001b[?25h\u001b[?1049l';

/** Spawns until it is killed, under a name that no other process has. */
async function startLoad() {
  const comm = uniqueComm();
  const load = await prepareSpawnload(['--comm', comm, '--count', '100000', '--rate', '40', '--mechanism', 'vfork']);
  const going = load.go().catch(() => {});
  return {
    comm,
    async [Symbol.asyncDispose]() {
      load.kill();
      await going;
    },
  };
}

test('it shows who spawns, one spawner alone, and help; q ends it and restores the terminal', async () => {
  await using load = await startLoad();
  await using terminal = new ScreenTerminal(`${cliCommand('top -d 500ms')}; echo status $?`, SMALL);
  const lines = await terminal.shows(new RegExp(`^${load.comm} +[0-9]`, 'm'));
  assert.match(lines[0] ?? '', /^forktax top: \S+ {2}\d\d:\d\d:\d\d/);
  assert.match(lines[1] ?? '', /spawns\/s .* stalled\/s/);
  assert.match(lines[2] ?? '', /^SPAWNER +SPAWNS\/s +STALL\/s/);
  assert.match(lines[23] ?? '', /own cost: .* \?: help {2}q: quit/);
  for (const line of lines) assert.ok(line.length <= 80);

  terminal.type('?');
  await terminal.shows(/Sort by:/);
  terminal.type('x');
  terminal.type(`/${load.comm}`);
  await terminal.shows(new RegExp(`filter: ${load.comm}_`));
  terminal.type('\r');
  await terminal.until(
    (shown) => shown[2]?.startsWith('SPAWNER') === true && shown[3]?.startsWith(load.comm) === true && shown[4] === '',
  );

  terminal.type('\r');
  const alone = await terminal.shows(/vfork +\d+ spawns[^]*\d {2}\/\S*spawnload[^]*vfork +\S+ +\/\S*spawnload/);
  assert.match(alone[2] ?? '', new RegExp(`^${load.comm}, the last minute`));
  assert.ok(
    alone.some((line) => line.endsWith(' -> forktax cannot help here')),
    alone.join('\n'),
  );
  terminal.type('\u001b');
  await terminal.shows(/^SPAWNER/m);

  terminal.type('p');
  const [first = ''] = await terminal.shows(/PAUSED/);
  terminal.type('p');
  await terminal.until(([title]) => title !== undefined && !title.includes('PAUSED') && title !== first);

  terminal.type('q');
  await terminal.shows(/status 0/);
  assert.ok(terminal.sent.includes(RESTORED));
  assert.equal(await terminal.ended(), 0);
});

test('200 columns are used; Ctrl-C ends it too', async () => {
  await using load = await startLoad();
  await using terminal = new ScreenTerminal(`${cliCommand('top -d 500ms --by pid')}; echo status $?`, WIDE);
  const lines = await terminal.shows(new RegExp(`^${load.comm} \\d+`, 'm'));
  assert.match(lines[2] ?? '', /^SPAWNER +UNIT .*P50 .*LAST MINUTE$/);
  terminal.type('\u0003');
  await terminal.shows(/status 0/);
  assert.ok(terminal.sent.includes(RESTORED));
});

test('Ctrl-Z gives the terminal to the shell, and fg takes it again', async () => {
  const shell =
    "bash --norc --noprofile -i -c 'set -m; " +
    `${cliCommand('top -d 500ms')} & fg %1; echo stopped $?; fg %1; echo ended $?'`;
  await using terminal = new ScreenTerminal(shell, SMALL);
  await terminal.shows(/^SPAWNER/m);
  terminal.type('\u001a');
  await terminal.until(() => /stopped 148[^]*SPAWNER/.test(terminal.sent));
  assert.ok(terminal.sent.includes(RESTORED));
  terminal.type('q');
  await terminal.shows(/ended 0/);
});

test('of a collector it shows the same spawner; without one it says so', async () => {
  await using load = await startLoad();
  const serve = await startServe(`--comm=${load.comm}`);
  const { status, stdout } = await runCli('top', '-b', '-d', '3s', '--url', serve.url);
  assert.equal(status, 0);
  assert.ok(stdout.trimEnd().split('\n')[1]?.startsWith(load.comm), stdout);
  await serve.stop();
  const gone = await runCli('top', '-b', '--url', serve.url);
  assert.deepEqual([gone.status, /FORKTAX_COLLECTOR/.test(gone.stderr)], [1, true]);
});

test('without a terminal it prints one table, and says so where that was not asked for', async () => {
  await using load = await startLoad();
  const { status, stdout } = await runCli('top', '-b', '-d', '3s', '-n', load.comm);
  assert.equal(status, 0);
  const [header, row, ...rest] = stdout.trimEnd().split('\n');
  assert.match(header ?? '', /^SPAWNER/);
  assert.ok(row?.startsWith(load.comm), stdout);
  assert.deepEqual(rest, []);
  const none = await runCli('top');
  assert.deepEqual([none.status, /needs a terminal/.test(none.stderr)], [2, true]);
});
