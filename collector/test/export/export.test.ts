/** Timelines of known processes, read back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AT_MS, fakeSpawn } from '../../../testing/fake-engine.ts';
import { chromeTrace } from '../../export/chrome.ts';
import { perfettoTrace } from '../../export/perfetto.ts';
import { timelineOf } from '../../export/timeline.ts';
import { ProcessTree } from '../../model/process-tree.ts';

const spawn = fakeSpawn({ atMs: AT_MS + 10, pid: 1, tid: 2, child: 10, stallNs: 3e6, copyNs: 1e6 });
const { stallNs: _stall, copyNs: _copy, kind: _kind, ...base } = spawn;

/** 1 forks 10, which executes sh, exits, and had failed to fork; 11 still runs. */
function timeline() {
  const tree = new ProcessTree();
  tree.addRunning(1, 'make');
  tree.add(spawn);
  tree.add({ ...base, kind: 'exec', atMs: AT_MS + 12, delayNs: 4e6, file: '/bin/sh' });
  tree.add({ ...base, kind: 'spawn-failure', pid: 10, tid: 10, atMs: AT_MS + 15, stallNs: 1e6, errno: 11 });
  tree.add({ ...base, kind: 'exit', atMs: AT_MS + 20, lifetimeNs: 12e6, status: 3, execSeen: true });
  tree.add(fakeSpawn({ atMs: AT_MS + 16, pid: 1, tid: 1, child: 11, stallNs: 1e6, copyNs: 1e6 }));
  return timelineOf(tree.roots, AT_MS + 30);
}

const sinceStart = (us: number): number => us / 1000 - AT_MS;

test('a spawn is a slice of its thread, with copy and wait; the child lives from the end of the copy', () => {
  const [make, sh, running] = timeline().processes;
  assert.deepEqual([make?.name, sh?.name, running?.name], ['make', 'sh', 'node']);
  const [slice] = make?.tracks.find(({ tid }) => tid === 2)?.slices ?? [];
  assert.ok(slice);
  assert.deepEqual([slice.startUs, slice.endUs].map(sinceStart), [7, 10]);
  assert.deepEqual(
    slice.inner.map(({ name, startUs, endUs }) => [name, sinceStart(startUs), sinceStart(endUs)]),
    [
      ['copy', 7, 8],
      ['wait', 8, 10],
    ],
  );
  const [life] = sh?.tracks.find(({ name }) => name === 'life')?.slices ?? [];
  assert.deepEqual([life?.startUs ?? 0, life?.endUs ?? 0].map(sinceStart), [8, 20]);
  assert.deepEqual(life?.details, { file: '/bin/sh', exit_status: 3 });
  assert.deepEqual(
    life.inner.map(({ name, endUs }) => [name, sinceStart(endUs)]),
    [['until exec', 12]],
  );
  assert.equal(life.arrowTo, slice.arrowFrom);
  const [cut] = running?.tracks[0]?.slices ?? [];
  assert.deepEqual([sinceStart(cut?.endUs ?? 0), cut?.details], [30, { still_running: 'yes' }]);
  assert.match(sh?.tracks.at(-1)?.slices[0]?.name ?? '', /EAGAIN/);
});

test('counters end at zero', () => {
  const [stall, copied] = timeline().counters;
  assert.deepEqual(
    stall?.points.map(([, value]) => value),
    [4e7, 0],
  );
  assert.equal(copied?.points[0]?.[1], 2 * 1_048_576 * 10);
});

test("Chrome's JSON has a slice with its duration for each, and pairs of arrows", () => {
  const { traceEvents } = JSON.parse([...chromeTrace(timeline())].join(''));
  const count = (ph: string) => traceEvents.filter((event: { ph: string }) => event.ph === ph).length;
  assert.deepEqual(['X', 's', 'f', 'M', 'C'].map(count), [10, 2, 2, 8, 4]);
  for (const { dur = 0 } of traceEvents) assert.ok(dur >= 0);
});

/** A message as a list of its fields. */
function decode(bytes: Buffer): [field: number, value: bigint | Buffer][] {
  const fields: [number, bigint | Buffer][] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const key = Number(varint());
    if ((key & 7) === 0) fields.push([key >> 3, varint()]);
    else {
      const length = (key & 7) === 1 ? 8 : Number(varint());
      fields.push([key >> 3, bytes.subarray(at, (at += length))]);
    }
  }
  return fields;
}

const field = (fields: ReturnType<typeof decode>, number: number) => fields.find(([one]) => one === number)?.[1];

test('a trace of Perfetto has packets in the order of time, and slices that begin and end in each other', () => {
  const packets = decode(Buffer.concat([...perfettoTrace(timeline())])).map(([, bytes]) => decode(bytes as Buffer));
  const events = packets.filter((packet) => field(packet, 11));
  const times = events.map((packet) => field(packet, 8) as bigint);
  assert.ok(times.every((time, index) => index === 0 || time >= (times[index - 1] ?? 0n)));
  const open = new Map<bigint, number>();
  let begun = 0;
  for (const packet of events) {
    const event = decode(field(packet, 11) as Buffer);
    const [type, track] = [field(event, 9) as bigint, field(event, 11) as bigint];
    if (type === 1n) begun++;
    const depth = (open.get(track) ?? 0) + (type === 1n ? 1 : type === 2n ? -1 : 0);
    assert.ok(depth >= 0);
    open.set(track, depth);
  }
  assert.equal(begun, 10);
  assert.ok([...open.values()].every((depth) => depth === 0));
  const described = packets
    .flatMap((packet) => field(packet, 60) ?? [])
    .map((bytes) => field(decode(bytes as Buffer), 1));
  assert.equal(new Set(described).size, described.length, 'every track has its own id');
  for (const track of open.keys()) assert.ok(described.includes(track));
});
