/** What is written to a recording is what is read from it, also of files that are cut off, damaged, foreign or newer. */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { AT_MS, createFakeEngine, fakeFailure, fakeRow, fakeSpawn } from '../../../testing/fake-engine.ts';
import type { EngineEvent } from '../../model/events.ts';
import type { CostRow } from '../../model/rows.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { encodeFrame } from '../../recording/frames.ts';
import { headerOf } from '../../recording/header.ts';
import { openRecording } from '../../recording/reader.ts';
import { RecordingWriter } from '../../recording/writer.ts';

const folder = mkdtempSync(join(tmpdir(), 'forktax-recording-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;
const newPath = () => join(folder, `${files++}.rec`);

const spawn = fakeSpawn({ atMs: AT_MS + 0.25 });
const { stallNs: _stall, copyNs: _copy, ...unseen } = spawn;
const base = { pid: 1, tid: 2, comm: 'sh\u001b[31m', mechanism: 'vfork', syscall: 'clone3', cgroup: '7' } as const;
const EVENTS: readonly EngineEvent[] = [
  spawn,
  { ...unseen, atMs: AT_MS + 1 },
  { ...base, kind: 'spawn-failure', atMs: AT_MS + 0.5, stallNs: 5, errno: 11 },
  { ...base, kind: 'exec', atMs: AT_MS + 2, child: 3, delayNs: 7, file: '/bin/tru\u0000e\ud800' },
  { ...base, kind: 'exec-failure', atMs: AT_MS + 3, child: 3, delayNs: 7, file: '', errno: 2 },
  { ...base, kind: 'exit', atMs: AT_MS + 4, child: 3, lifetimeNs: 9, status: 143, execSeen: false },
];

const snapshotOf = (rows: readonly CostRow[], more: Partial<Snapshot> = {}): Snapshot => ({
  ...createFakeEngine().next,
  rows,
  ...more,
});

function write(
  path: string,
  seconds: readonly { readonly events?: readonly EngineEvent[]; readonly snapshot: Snapshot }[],
  maxBytes?: number,
): RecordingWriter {
  const writer = new RecordingWriter({ path, maxBytes }, headerOf(createFakeEngine()));
  for (const { events = [], snapshot } of seconds) {
    for (const event of events) writer.addEvent(event);
    writer.addSnapshot(snapshot);
  }
  writer.close();
  return writer;
}

function read(path: string) {
  const reader = openRecording(path);
  const events: EngineEvent[] = [];
  const snapshots: Snapshot[] = [];
  const others: object[] = [];
  for (let entry = reader.next(); entry; entry = reader.next()) {
    if ('event' in entry) events.push(entry.event);
    else if ('snapshot' in entry) snapshots.push(entry.snapshot);
    else others.push(entry);
  }
  reader.close();
  const { ending, unreadable, header } = reader;
  return { events, snapshots, others, ending, unreadable, header };
}

test('events of every kind come back as they were, also without what no hook measures', () => {
  const path = newPath();
  write(path, [{ events: EVENTS, snapshot: snapshotOf([]) }]);
  const { events, ending, unreadable } = read(path);
  assert.deepEqual(events, EVENTS);
  assert.deepEqual([ending, unreadable], ['end', 0]);
});

test('snapshots come back whole, though only rows that changed are written', () => {
  const [a, b, c] = [fakeRow({ comm: 'a' }), fakeRow({ comm: 'b', id: '12' }), fakeRow({ comm: 'b', id: '13' })];
  const later = { ...fakeRow({ comm: 'a', spawns: 5 }), slowest: { pid: 4, stallNs: 9, atMs: AT_MS } };
  const snapshots = [
    snapshotOf([a, b]),
    snapshotOf([later, b, c], { failures: [fakeFailure()] }),
    snapshotOf([later, c], { failures: [fakeFailure()] }),
  ];
  const path = newPath();
  write(
    path,
    snapshots.map((snapshot) => ({ snapshot })),
  );
  const decoded = read(path).snapshots;
  const sorted = (rows: readonly CostRow[]) =>
    rows.toSorted((x, y) => `${x.comm}${x.id}`.localeCompare(`${y.comm}${y.id}`));
  for (const [index, snapshot] of snapshots.entries()) {
    assert.deepEqual(sorted(decoded[index]?.rows ?? []), sorted(snapshot.rows), `rows of snapshot ${index}`);
    assert.deepEqual(decoded[index]?.failures, snapshot.failures);
    assert.deepEqual(decoded[index]?.health, snapshot.health);
  }
});

test('a file that is cut off anywhere is good up to its last whole frame', () => {
  const path = newPath();
  write(
    path,
    [1, 2, 3].map((spawns) => ({ events: EVENTS, snapshot: snapshotOf([fakeRow({ spawns })]) })),
  );
  const whole = readFileSync(path);
  const cut = newPath();
  let most = 0;
  for (let length = whole.length - 1; length > 0; length -= 7) {
    writeFileSync(cut, whole.subarray(0, length));
    const found = attempt(() => read(cut));
    if (!found) continue; // not even the header is there
    assert.equal(found.events.length % EVENTS.length, 0);
    assert.equal(found.events.length, EVENTS.length * found.snapshots.length);
    most = Math.max(most, found.snapshots.length);
  }
  assert.equal(most, 2);
});

test('of a damaged file what comes before the damage is read; no change of a byte makes reading fail', () => {
  const path = newPath();
  write(
    path,
    [1, 2, 3].map((spawns) => ({ events: EVENTS, snapshot: snapshotOf([fakeRow({ spawns })]) })),
  );
  const whole = readFileSync(path);
  const damaged = newPath();
  const endings = new Set<unknown>();
  for (let at = 0; at < whole.length; at += 3) {
    const bytes = Buffer.from(whole);
    bytes.writeUInt8((whole[at] ?? 0) ^ 0x55, at);
    writeFileSync(damaged, bytes);
    const found = attempt(() => read(damaged));
    endings.add(found?.ending);
    for (const event of found?.events ?? []) assert.ok(EVENTS.some((one) => one.kind === event.kind));
  }
  assert.deepEqual(endings, new Set([undefined, 'damaged', 'cut-off']));
});

test('lines that this version does not know are left out and counted; unknown fields are passed over', () => {
  const path = newPath();
  write(path, [{ events: [spawn], snapshot: snapshotOf([]) }]);
  const foreign = ['["omen",1]', '["exit",1,"x"]', '{"a":1}', 'no JSON', '["snapshot",null]'];
  appendFileSync(path, encodeFrame(`${foreign.join('\n')}\n`));
  const { events, unreadable } = read(path);
  assert.deepEqual([events.length, unreadable], [1, foreign.length]);

  const header = headerOf(createFakeEngine());
  const names = ['future', ...(header.events['spawn'] ?? [])];
  const values = names.map((name) => (name === 'future' ? { a: 1 } : spawn[name as keyof typeof spawn]));
  const newer = { ...header, events: { ...header.events, spawn: names } };
  writeFileSync(
    path,
    encodeFrame(`${JSON.stringify(newer)}\n${JSON.stringify(['spawn', AT_MS * 1000 + 250, ...values])}\n`),
  );
  assert.deepEqual(read(path).events, [spawn]);
});

test('what is no recording, or one of another format, is refused with a reason', () => {
  const path = newPath();
  const refusal = (text: string | Buffer) => {
    writeFileSync(path, text);
    assert.throws(() => openRecording(path), { code: 'FORKTAX_RECORDING' });
    return attempt(() => openRecording(path));
  };
  const header = headerOf(createFakeEngine());
  for (const text of ['', 'hello', '{"pid":1}', encodeFrame('{"a":1}\n'), encodeFrame('null\n'), encodeFrame('x\n')])
    refusal(text);
  refusal(encodeFrame(`${JSON.stringify({ ...header, forktaxRecording: 2 })}\n`));
  refusal(encodeFrame(`${JSON.stringify({ ...header, bounds: {} })}\n`));
  assert.throws(() => openRecording(join(folder, 'missing')), /cannot read .*missing/);
});

test('a full file is renamed and a new one begun, which has all rows', () => {
  const path = newPath();
  const names = Array.from({ length: 20 }, (_, index) => `spawner-${index}`);
  const seconds = Array.from({ length: 30 }, (_, second) => ({
    events: EVENTS,
    snapshot: snapshotOf(
      names.map((comm) => fakeRow({ comm, spawns: second })),
      { atMs: AT_MS + second * 1000 },
    ),
  }));
  write(path, seconds, 4000);
  assert.ok(existsSync(`${path}.1`));
  assert.ok(statSync(path).size < 6000 && statSync(`${path}.1`).size < 6000);
  const { snapshots, ending } = read(path);
  assert.deepEqual([snapshots[0]?.rows.length, ending], [20, 'end']);
  assert.equal(snapshots.at(-1)?.rows[0]?.spawns, 29);
});

test('stacks come back as they were, in each file anew; what is none is left out', () => {
  const path = newPath();
  const inner = {
    address: 1n,
    how: 'cfi',
    module: '/bin/sh',
    buildId: 'ab',
    offset: 16,
    symbol: 'f;\n',
    line: 3,
    file: 'a.c',
  };
  const frames = [{ ...inner, inlined: true }, inner, { address: 0xffff_ffff_ffff_fff0n, how: 'frame-pointer' }];
  const stacks = [
    { id: 1, unwound: { frames, end: 'complete' as const } },
    { id: 2, unwound: { frames: frames.slice(1), end: 'no-unwind-info' as const } },
    { id: 3, unwound: { frames: [], end: 'process-gone' as const } },
  ];
  const losses = { overLimit: 1, ringFull: 2, unreadable: 3 };
  const writer = new RecordingWriter({ path, maxBytes: 1 }, headerOf(createFakeEngine()));
  for (const stack of stacks) writer.addStack(stack);
  writer.addSnapshot(snapshotOf([]));
  for (const stack of stacks) writer.addStack(stack);
  writer.addLosses(losses);
  writer.close();
  // Only a snapshot ends a frame.
  assert.deepEqual(read(path).others, []);
  // An address in a file says no more than the offset.
  const read0 = stacks.map(({ id, unwound }) => ({
    stack: {
      id,
      unwound: { ...unwound, frames: unwound.frames.map((one) => ('offset' in one ? { ...one, address: 0n } : one)) },
    },
  }));
  assert.deepEqual(read(`${path}.1`).others, read0);

  const again = newPath();
  write(again, [{ events: [{ ...spawn, stack: 7 }], snapshot: snapshotOf([]) }]);
  const hostile = [
    '["frame"]',
    '["frame",{"how":1}]',
    '["frame",{"how":"cfi","address":"xyz"}]',
    '["frame",{"how":"cfi","__proto__":1}]',
    '["stack",1,"complete",[0]]',
    '["stack",1,"complete",["length"]]',
    '["stack",1,"toString",[]]',
    '["stack","1","complete",[]]',
    '["stack-losses","1"]',
  ];
  appendFileSync(again, encodeFrame(`${hostile.join('\n')}\n["stack-losses",1,2,3]\n`));
  const { events, others, unreadable } = read(again);
  assert.deepEqual([events[0] && 'stack' in events[0] && events[0].stack, others], [7, [{ losses }]]);
  assert.equal(unreadable, hostile.length);
});

test('a file that cannot be written is told', () => {
  assert.throws(() => write(join(folder, 'no/such/folder.rec'), []), { code: 'FORKTAX_RECORDING' });
  assert.throws(() => write('/dev/full', []), /cannot write \/dev\/full: .*no space left/i);
});

function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
