/** The tree of processes, from events in any order, and what is shown of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AT_MS, createFakeEngine, fakeSpawn } from '../../../testing/fake-engine.ts';
import type { EngineEvent, ExecEvent, ExitEvent, SpawnEvent } from '../../model/events.ts';
import { fold, hottest, sum, type FoldedProcess } from '../../tree/fold.ts';
import { ProcessTree } from '../../model/process-tree.ts';
import { PROCESS_FIELDS, processRecords, treeSummary, TREE_SUMMARY_FIELDS } from '../../tree/tree-json.ts';
import { tree as showTree } from '../../tree/tree.ts';
import { headline, treeText } from '../../tree/tree-text.ts';
import type { Output } from '../../terminal/output.ts';
import { fakeOutput } from '../terminal/fake-output.ts';

const spawnOf = (pid: number, child: number, stallNs = 1000): SpawnEvent =>
  fakeSpawn({ pid, tid: pid, child, comm: `p${pid}`, stallNs, copiedRssBytes: 10 });
const base = ({ pid, tid, comm, mechanism, syscall, cgroup, child }: SpawnEvent) => ({
  pid,
  tid,
  comm,
  mechanism,
  syscall,
  cgroup,
  child,
  atMs: AT_MS,
});
const execOf = (spawn: SpawnEvent, file: string): ExecEvent => ({ ...base(spawn), kind: 'exec', delayNs: 5, file });
const runOf = (spawn: SpawnEvent, command: string, cut = false): ExecEvent => {
  const words = command.split(' ');
  return { ...execOf(spawn, `/bin/${words[0]}`), commandLine: { words, cut } };
};
const exitOf = (spawn: SpawnEvent, status = 0): ExitEvent => ({
  ...base(spawn),
  kind: 'exit',
  lifetimeNs: 50,
  status,
  execSeen: true,
});

/** 1 makes 10 (sh) and 11 (sh); both make cc twice; the last cc fails. */
const [a, b] = [spawnOf(1, 10, 4000), spawnOf(1, 11, 2000)];
const compilers = [spawnOf(10, 20), spawnOf(10, 21), spawnOf(11, 22), spawnOf(11, 23, 9000)];
const EVENTS: readonly EngineEvent[] = [
  ...[a, b].flatMap((spawn) => [spawn, execOf(spawn, '/bin/sh')]),
  ...compilers.flatMap((spawn, index) => [execOf(spawn, '/usr/bin/cc'), spawn, exitOf(spawn, index === 3 ? 1 : 0)]),
  ...[a, b].map((spawn) => exitOf(spawn)),
];

function foldOf(events: readonly EngineEvent[]): FoldedProcess[] {
  const tree = new ProcessTree();
  tree.addRunning(1, 'make');
  for (const event of events) tree.add(event);
  return fold(tree.roots);
}

const shape = ({ name, members, children, total }: FoldedProcess): unknown => [
  name,
  members.length,
  total.processes,
  total.stallNs,
  children.map(shape),
];
const SHAPE = [['make', 1, 6, 18_000, [['sh', 2, 6, 18_000, [['cc', 4, 4, 12_000, []]]]]]];

test('processes of one name and ancestry are one line; sums go up the tree', () => {
  assert.deepEqual(foldOf(EVENTS).map(shape), SHAPE);
});

test('the order of the events of a process does not matter, nor that of a child and its parent', () => {
  const late = (spawns: readonly SpawnEvent[], file: string) =>
    spawns.flatMap((spawn, index) => [execOf(spawn, file), exitOf(spawn, index === 3 ? 1 : 0), spawn]);
  const execs = [a, b].map((spawn) => execOf(spawn, '/bin/sh'));
  const others = [a, b].flatMap((spawn) => [exitOf(spawn), spawn]);
  assert.deepEqual(foldOf([...execs, ...late(compilers, '/usr/bin/cc'), ...others]).map(shape), SHAPE);
  assert.deepEqual(foldOf([...late(compilers, '/usr/bin/cc'), ...execs, ...others]).map(shape), SHAPE);
});

test('a pid that is used again is another process', () => {
  const again = [execOf(a, '/bin/ls'), { ...a, stallNs: 1 }, exitOf(a)];
  const [make] = foldOf([a, execOf(a, '/bin/sh'), exitOf(a), ...again]);
  assert.deepEqual(
    make?.children.map(({ name, total }) => [name, total.stallNs]),
    [
      ['sh', 4000],
      ['ls', 1],
    ],
  );
});

test('a full tree completes what it has, and counts what it leaves out', () => {
  const tree = new ProcessTree(3);
  tree.addRunning(1, 'make');
  for (const event of [
    a,
    b,
    ...compilers,
    execOf(a, '/bin/sh'),
    { ...base(a), kind: 'spawn-failure', stallNs: 1, errno: 11 } as const,
  ])
    tree.add(event);
  const [make] = fold(tree.roots);
  assert.deepEqual([make?.total.processes, make?.children.map(({ name }) => name).toSorted()], [2, ['[p1]', 'sh']]);
  assert.equal(tree.leftOut, compilers.length + 1);
});

test('a vfork child whose exit comes before its spawn is one process', () => {
  const [make] = foldOf([exitOf(a, 127), a]);
  assert.deepEqual([make?.total.processes, make?.children[0]?.name], [1, '[p1]']);
});

test('the hottest group is the one whose own births cost most', () => {
  const hot = hottest(foldOf(EVENTS));
  assert.deepEqual([hot?.group.name, hot?.path], ['cc', ['make', 'sh']]);
  assert.equal(
    headline('make -j2', foldOf(EVENTS)),
    'make -j2: 6 processes, parents stood still for 18.0us, of it 12.0us for 4 starts of cc under sh',
  );
  assert.equal(headline('true', fold([])), 'true: 0 processes');
});

const plain: Output = { width: 80, data: () => {}, talk: () => {}, progress: () => {}, style: (_, text) => text };

test('the text has a line for each group, and says what it leaves out', () => {
  const all = treeText(foldOf(EVENTS), { minShare: 0, depth: Infinity }, plain);
  assert.deepEqual(
    all
      .trimEnd()
      .split('\n')
      .map((line) => line.slice(51)),
    ['PROCESS', 'make', '  sh ×2', '    cc ×4'],
  );
  assert.match(all, /12\.0us +4 3\.00us +40B +5ns +50ns 1×1/);
  assert.match(treeText(foldOf(EVENTS), { minShare: 0, depth: 2 }, plain), /… 4 more, 12\.0us/);
  assert.match(treeText(foldOf(EVENTS), { minShare: 0.7, depth: Infinity }, plain), /… 4 more, 12\.0us/);
  for (const line of treeText(foldOf(EVENTS), { minShare: 0, depth: 9 }, { ...plain, width: 60 }).split('\n'))
    assert.ok(line.length <= 60, line);
});

test('what follows the tree breaks at words to the width of the terminal', async () => {
  const output = fakeOutput(40);
  const [engine, stop] = [createFakeEngine(), new AbortController()];
  const what = `make ${Array.from({ length: 20 }, (_, index) => `target${index}`).join(' ')}`;
  const settings = { what, minShare: 0, depth: Infinity, announced: false, running: [{ pid: 1, comm: 'make' }] };
  const shown = showTree(engine, settings, output, stop.signal);
  engine.emit(...EVENTS);
  engine.next = { ...engine.next, health: { ...engine.next.health, eventsLost: 3 } };
  stop.abort();
  await shown;
  const lines = output.said.join('').trim().split('\n');
  assert.deepEqual(
    lines.filter((line) => line.length > output.width),
    [],
  );
  assert.equal(
    lines.join(' '),
    `${headline(what, foldOf(EVENTS))} 3 events were lost, so the tree is not complete`,
    'no word is broken or lost',
  );
});

/** What the lines of the tree of these commands say after the figures. */
function commandsOf(commands: readonly string[], { width = 100, cut = false } = {}): string[] {
  const spawns = commands.map((_, index) => spawnOf(1, 30 + index));
  const text = treeText(
    foldOf(spawns.flatMap((spawn, index) => [spawn, runOf(spawn, commands[index] ?? '', cut)])),
    { minShare: 0, depth: Infinity },
    { ...plain, width },
  );
  return text
    .trimEnd()
    .split('\n')
    .slice(2)
    .map((line) => line.slice(51).trimStart());
}

test('command lines are shown as far as all processes of a line share them', () => {
  assert.deepEqual(commandsOf(['cc1 -quiet a.c', 'cc1 -quiet b.c']), ['cc1 ×2 -quiet …']);
  assert.deepEqual(commandsOf(['cc1 a.c', 'cc1 a.c -O2']), ['cc1 ×2 a.c …']);
  assert.deepEqual(commandsOf(['true', 'true']), ['true ×2']);
  assert.deepEqual(commandsOf(['sh -c it;is']), ["sh -c 'it;is'"]);
  assert.deepEqual(commandsOf(['sh -c a', 'sh x.sh', 'sh -c b']), ['sh -c ×2 …', 'sh x.sh']);
  assert.deepEqual(commandsOf(['ls a'], { cut: true }), ['ls a …']);
  assert.deepEqual(commandsOf(['ls \u001b[2J\n']), [String.raw`ls '\x1b[2J\x0a'`]);
  const [narrow = ''] = commandsOf(['cc1 -a-very-long-option -another-one'], { width: 76 });
  assert.ok(narrow.endsWith('…') && narrow.length <= 76 - 51, narrow);
});

test('processes without a known command line are folded by their program', () => {
  const [make] = foldOf([a, runOf(a, 'sh -c x'), b, execOf(b, '/bin/sh')]);
  assert.deepEqual(
    make?.children.map(({ name, rest }) => [name, rest]),
    [
      ['sh -c', { words: ['x'], isOpen: false }],
      ['sh', undefined],
    ],
  );
});

test('the records have the documented fields, parents before children', () => {
  const tree = new ProcessTree();
  tree.addRunning(1, 'make');
  for (const event of EVENTS) tree.add(event);
  const late = spawnOf(1, 40);
  for (const event of [late, runOf(late, 'ls -l', true)]) tree.add(event);
  tree.add({ ...base(a), kind: 'spawn-failure', stallNs: 3, errno: 11 });
  const records = [...processRecords(tree.roots)] as Record<string, unknown>[];
  const fields = new Set(records.flatMap((record) => Object.keys(record)));
  assert.deepEqual([...fields].toSorted(), Object.keys(PROCESS_FIELDS).toSorted());
  for (const { pid, parent } of records)
    if (parent !== undefined)
      assert.ok(records.findIndex((one) => one['pid'] === parent) < records.findIndex((one) => one['pid'] === pid));
  const summary = treeSummary(fold(tree.roots), { eventsLost: 2, eventsLeftOut: 0 });
  assert.deepEqual(Object.keys(summary), Object.keys(TREE_SUMMARY_FIELDS));
  assert.deepEqual([summary.processes, summary.failed_spawns, summary.events_lost], [7, 1, 2]);
  assert.equal(sum([]).processes, 0);
});
