/** Lines of bpftrace become costs, whatever order they come in. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Joiner } from '../../../engine/bpftrace/joiner.ts';
import { parseStep, type Step } from '../../../engine/bpftrace/lines.ts';
import type { EngineEvent } from '../../../model/events.ts';
import { CostTable } from '../../../engine/bpftrace/cost-table.ts';

const START = 1_000_000_000n;
const BIRTH = START + 40_000n;
/** A vfork by clone. */
const CALL = (START << 5n) | 16n | 8n | 3n;
const padded = (name: string) => name + String.raw`\x00`.repeat(16 - Buffer.byteLength(name));
const SHELL = `${padded('shell')} ${padded('dash')}`;

const LINES = {
  birth: `N ${BIRTH} ${CALL} 101 100 200 16640 7 0 0 ${SHELL}`,
  return: `R ${START + 90_000n} ${CALL} 101`,
  failedExec: `E ${BIRTH + 10_000n} ${BIRTH} 200 2 /usr/bin/a program`,
  exec: `X ${BIRTH + 30_000n} ${BIRTH} 200 /bin/a program`,
  exit: `D ${BIRTH + 500_000n} ${BIRTH} 200 256 1`,
};

function step(line: string): Step {
  const parsed = parseStep(line);
  assert.ok(parsed, line);
  return parsed;
}

function joining() {
  const table = new CostTable({ maxSpawners: 16, idleMs: 60_000 });
  const events: EngineEvent[] = [];
  const options = {
    ownPid: 1,
    pageBytes: 4096,
    aforkCostNs: 25_000,
    label: 'none',
    nameBy: 'auto',
    filter: {},
    maxProcesses: 64,
  } as const;
  const joiner = new Joiner(table, { ...options, bootEpochMs: () => 0 }, (event) => void events.push(event));
  return {
    table,
    joiner,
    events,
    take: (lines: readonly string[]) => lines.forEach((line) => joiner.take(step(line))),
  };
}

function* orders<T>(items: readonly T[]): Generator<readonly T[]> {
  if (items.length === 0) yield items;
  for (const [i, first] of items.entries())
    for (const rest of orders([...items.slice(0, i), ...items.slice(i + 1)])) yield [first, ...rest];
}

const withoutUse = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const sorted = (events: readonly EngineEvent[]) => events.toSorted((a, b) => a.kind.localeCompare(b.kind));

describe('the lines of one spawn', () => {
  const inOrder = joining();
  inOrder.take(Object.values(LINES));

  test('are its costs', () => {
    const [row, ...more] = inOrder.table.rows();
    assert.ok(row && more.length === 0);
    assert.deepEqual(
      [
        row.comm,
        row.mechanism,
        row.syscall,
        row.spawns,
        row.stall.sum,
        row.copyNs,
        row.execDelay.sum,
        row.lifetime.sum,
      ],
      ['shell', 'vfork', 'clone', 1, 90_000, 40_000, 30_000, 500_000],
    );
    assert.deepEqual([row.execStalls, row.execStallNs, row.avoidableStallNs], [1, 90_000, 65_000]);
    assert.deepEqual(inOrder.table.failures(), [{ kind: 'exec', comm: 'shell', syscall: 'clone', errno: 2, count: 1 }]);
    const texts = inOrder.events.map((event) => [event.kind, 'file' in event ? event.file : '']);
    assert.deepEqual(texts, [
      ['spawn', ''],
      ['exec-failure', '/usr/bin/a program'],
      ['exec', '/bin/a program'],
      ['exit', ''],
    ]);
  });

  test('are the same in each of their 120 orders', () => {
    let count = 0;
    for (const lines of orders(Object.values(LINES))) {
      const { table, joiner, events, take } = joining();
      take(lines);
      assert.deepEqual(withoutUse(table.rows()), withoutUse(inOrder.table.rows()), lines.join('\n'));
      assert.deepEqual(table.failures(), inOrder.table.failures());
      assert.deepEqual(sorted(events), sorted(inOrder.events));
      assert.deepEqual([joiner.callsTracked, joiner.processesTracked], [0, 0]);
      count++;
    }
    assert.equal(count, 120);
  });

  test('whose other half is lost are given up in the end, and counted', () => {
    for (const [missing, calls, processes] of [
      ['birth', 1, 1],
      ['exec', 0, 1],
    ] as const) {
      const { joiner, take } = joining();
      take(Object.entries(LINES).flatMap(([name, line]) => (name === missing ? [] : [line])));
      joiner.expire(Date.now());
      assert.deepEqual([joiner.callsUntracked, joiner.processesUntracked], [0, 0]);
      joiner.expire(Date.now() + 60_000);
      assert.deepEqual([joiner.callsUntracked, joiner.processesUntracked], [calls, processes], missing);
    }
  });

  test('that will not be told to their end are forgotten when bpftrace ended', () => {
    const { joiner, take, table } = joining();
    take([LINES.birth]);
    assert.deepEqual([joiner.callsTracked, joiner.processesTracked], [1, 1]);
    joiner.forget();
    assert.deepEqual([joiner.callsTracked, joiner.processesTracked], [0, 0]);
    assert.deepEqual([joiner.callsUntracked, joiner.processesUntracked], [1, 1]);
    assert.equal(table.rows()[0]?.spawns, 1, 'what was counted stays');
  });
});

test('page faults go to the last fork of a process, and to a child', () => {
  const { joiner, table, take } = joining();
  const fork = (START << 5n) | 1n;
  take([`N ${BIRTH} ${fork} 100 100 200 0 7 3000 8192 ${SHELL}`]);
  joiner.takeFaults(100, 1, 5);
  joiner.takeFaults(200, 2, 7);
  joiner.takeFaults(200, 6, 11);
  joiner.takeFaults(300, 3, 13);
  const [row] = table.rows();
  assert.deepEqual([row?.cowFaultsParent, row?.childFaults, row?.cowFaultsChild], [5, 18, 11]);
  assert.deepEqual([row?.copiedRss.sum, row?.copiedPageTableBytes], [3000 * 4096, 8192]);
});

test('a failed call is charged to its caller, unless that is not wanted', () => {
  const { joiner, table, events } = joining();
  const failed = (pid: number) => `F ${START + 5_000n} ${CALL} 101 ${pid} 11 7 ${SHELL}`;
  joiner.take(step(failed(100)));
  joiner.take(step(failed(1)));
  assert.deepEqual(table.failures(), [{ kind: 'spawn', comm: 'shell', syscall: 'clone', errno: 11, count: 1 }]);
  assert.deepEqual(
    events.map((event) => event.kind === 'spawn-failure' && [event.stallNs, event.mechanism]),
    [[5_000, 'vfork']],
  );
});

test('names may hold anything, and are cut as the kernel cuts them', () => {
  const namesOf = (text: string) => {
    const parsed = step(`N 1 2 3 4 5 6 7 8 9 ${text}`);
    return parsed.kind === 'birth' && parsed.names;
  };
  const nul = String.raw`\x00`;
  assert.deepEqual(namesOf(`a b  c${nul.repeat(10)} x y${nul.repeat(13)}`), { comm: 'a b  c', exe: 'x y' });
  const junk = String.raw`caf\xc3\xa9\x00junkjunk \x00`;
  assert.deepEqual(namesOf(`${junk} ${'e'.repeat(16)}`), { comm: 'café', exe: 'e'.repeat(15) });
  const printable = String.raw`\x41\x0a` + nul.repeat(11);
  assert.deepEqual(namesOf(`${printable} ${nul.repeat(16)}`), { comm: '\\x41\n', exe: '' }, 'what is printable was so');
});

test('what is no line of the script, or was cut short, is none', () => {
  for (const line of ['', 'N', 'N 1 2', 'Q 1 2 3', 'R 1 2', 'hello']) assert.equal(parseStep(line), undefined, line);
});
