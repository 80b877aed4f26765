import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Hook } from '../../model/hooks.ts';
import type { SpawnLine } from '../../model/spawn-lines.ts';
import { SnoopTable } from '../../snoop/table.ts';
import { FAKE_HOOKS, fakeSpawn } from '../../../testing/fake-engine.ts';
import { fakeOutput } from '../terminal/fake-output.ts';

const spawn = fakeSpawn({
  comm: 'prometheus-node',
  pid: 4_194_304,
  child: 4_194_303,
  stallNs: 431_000_000,
  copyNs: 99_900_000,
  copiedRssBytes: 1023 * 2 ** 20,
});
const child = { ...spawn, delayNs: 999_000_000, file: `/opt/${'long/'.repeat(60)}git` };
const widest: SpawnLine = { spawn, outcome: 'exec', exec: { ...child, kind: 'exec' }, failedExecs: 0 };
const failed: SpawnLine = {
  spawn,
  outcome: 'exec-failed',
  lastFailure: { ...child, kind: 'exec-failure', errno: 2 },
  failedExecs: 14,
};

const ended: SpawnLine = {
  spawn,
  outcome: 'no-exec',
  exit: { ...child, kind: 'exit', lifetimeNs: 1, status: 137, execSeen: false },
  failedExecs: 0,
};

test('columns stand under their titles', () => {
  const table = new SnoopTable(FAKE_HOOKS, fakeOutput());
  const short: SpawnLine = { ...widest, exec: { ...child, kind: 'exec', file: '/bin/git' } };
  assert.equal(
    table.header() + table.line(short).replace(/^[\d:.]{12}/, '08:00:00.000'),
    'TIME         COMM                PID MECH  CALL    STALL   COPY   SIBL     RSS   CHILD  DELAY EXEC\n' +
      '08:00:00.000 prometheus-node 4194304 fork  clone   431ms 99.9ms 2.00ms 1023MiB 4194303  999ms /bin/git\n',
  );
});

test('at any width a line fits, and keeps the end of the path', () => {
  for (let width = 40; width <= 250; width++) {
    const table = new SnoopTable(FAKE_HOOKS, fakeOutput(width));
    assert.ok(table.header().length - 1 <= width, `${width}`);
    for (const line of [widest, failed, ended]) {
      const text = table.line(line).trimEnd();
      assert.ok(text.length <= width, `${width}: ${text}`);
      assert.ok(line === ended || text.includes('git'), `${width}: ${text}`);
    }
  }
});

test('120 columns hold every column, 80 the ones that matter most', () => {
  const titles = (width: number): string =>
    new SnoopTable(FAKE_HOOKS, fakeOutput(width)).header().replaceAll(/\s+/g, ' ');
  assert.equal(titles(120), 'TIME COMM PID MECH CALL STALL COPY SIBL RSS CHILD DELAY EXEC ');
  assert.equal(titles(80), 'COMM PID MECH STALL COPY RSS DELAY EXEC ');
});

test('command lines and ancestors are shown where events have them', () => {
  const chain = ['sh', 'npm run build', 'bash', 'sshd'].map((comm, pid) => ({ pid, comm }));
  const table = new SnoopTable(FAKE_HOOKS, fakeOutput(), {
    columns: ['COMM', 'ANCESTORS', 'EXEC'],
    hasAncestors: true,
  });
  const line = (words: readonly string[], cut: boolean): string =>
    table.line({
      ...widest,
      spawn: { ...spawn, comm: 'x', ancestry: { chain, cut } },
      exec: { ...child, kind: 'exec', commandLine: { words, cut } },
    });
  assert.equal(
    table.header() + line(['git', 'log', 'a b'], false) + line(['git'], true) + line(['\u001b'], false),
    'COMM            ANCESTORS                      EXEC\n' +
      "x               sh ← npm run build ← bash ← s… git log 'a b'\n" +
      'x               sh ← npm run build ← bash ← s… git …\n' +
      String.raw`x               sh ← npm run build ← bash ← s… '\x1b'` +
      '\n',
  );
  const without = new SnoopTable(FAKE_HOOKS, fakeOutput(), { columns: ['COMM', 'ANCESTORS'] });
  assert.equal(without.header().trimEnd(), 'COMM');
});

test('the header is repeated only when the terminal changes its width', () => {
  const output = fakeOutput(120);
  const table = new SnoopTable(FAKE_HOOKS, output);
  assert.notEqual(table.header(), '');
  assert.equal(table.header(), '');
  output.width = 80;
  assert.notEqual(table.header(), '');
});

test('a column that no hook feeds is absent', () => {
  const others = FAKE_HOOKS.filter(({ name }) => name !== 'calls');
  const hooks: Hook[] = [...others, { name: 'calls', attached: false, columns: ['stall'] }];
  assert.doesNotMatch(new SnoopTable(hooks, fakeOutput()).header(), /STALL|COPY|CALL/);
});

/** The line alone, once the header has been printed. */
function linesOf(table: SnoopTable, line: SpawnLine): string {
  table.header();
  return table.line(line);
}

test('UNIT is the container, or else the unit, where paths are looked up', () => {
  const table = (width?: number) => new SnoopTable(FAKE_HOOKS, fakeOutput(width), { hasPaths: true });
  assert.match(table().header(), / PID UNIT +MECH /);
  assert.doesNotMatch(table(100).header(), /UNIT/);
  const unitOf = (cgroupPath?: string): string => {
    const line = { ...ended, spawn: { ...spawn, ...(cgroupPath !== undefined && { cgroupPath }) } };
    return linesOf(table(), line).slice(37, 53).trimEnd();
  };
  assert.equal(unitOf('/system.slice/ssh.service'), 'ssh');
  assert.equal(unitOf(`/system.slice/docker-${'ab'.repeat(32)}.scope`), 'abababababab');
  assert.equal(unitOf('/user.slice/user-1000.slice/app-gnome-terminal-4711.scope'), 'app-gnome-termi…');
  assert.deepEqual([unitOf('/'), unitOf()], ['-', '?']);
});

test('--columns are those, in that order, at any width', () => {
  const table = (columns: readonly string[], width?: number) =>
    new SnoopTable(FAKE_HOOKS, fakeOutput(width), { columns });
  assert.equal(table(['STALL', 'COMM'], 20).header(), ' STALL COMM           \n');
  assert.equal(linesOf(table(['STALL', 'COMM'], 20), widest), ' 431ms prometheus-node\n');
  assert.match(linesOf(table(['CHILD', 'EXEC']), widest), /^4194303 \/opt\//);
  assert.match(table(['EXEC', 'CHILD'], 20).header(), /^EXEC {31}CHILD\n$/);
  assert.match(linesOf(table(['EXEC', 'CHILD']), widest), /^\S.{31} 4194303\n$/);
});
