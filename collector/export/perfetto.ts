/**
 * A timeline as a trace of Perfetto: protos/perfetto/trace/{trace,trace_packet}.proto and track_event/*.proto of
 * https://github.com/google/perfetto. The numbers are those of the fields there.
 */
import { ProtobufMessage } from './protobuf.ts';
import type { Counter, ProcessTracks, Slice, Timeline } from './timeline.ts';

const TRACE = { packet: 1 } as const;
const PACKET = { timestamp: 8, sequenceId: 10, trackEvent: 11, trackDescriptor: 60 } as const;
const DESCRIPTOR = { uuid: 1, name: 2, process: 3, parent: 5, counter: 8 } as const;
const PROCESS = { pid: 1, name: 6 } as const;
const COUNTER = { unit: 3 } as const;
const COUNTER_UNITS = { ns: 1, bytes: 3 } as const;
const EVENT = {
  annotation: 4,
  type: 9,
  track: 11,
  name: 23,
  doubleValue: 44,
  flow: 47,
  terminatingFlow: 48,
} as const;
const EVENT_TYPES = { begin: 1, end: 2, counter: 4 } as const;
const ANNOTATION = { uintValue: 3, stringValue: 6, name: 10 } as const;

/** All packets are of one writer. */
const SEQUENCE = 1;

interface Packet {
  /** Absent for a descriptor, which comes before all events. */
  readonly atUs?: number;
  readonly bytes: Buffer;
}

/** Yields pieces of the file: events in the order of their times, as a trace processor wants them. */
export function* perfettoTrace({ processes, counters }: Timeline): Generator<Buffer> {
  const uuids = new Uuids();
  const packets = [
    ...processes.flatMap((process) => [...processPackets(process, uuids)]),
    ...counters.flatMap((counter) => [...counterPackets(counter, uuids)]),
  ];
  // The sort is stable, so slices that begin and end at the same time stay in each other.
  for (const { bytes } of packets.toSorted((a, b) => (a.atUs ?? 0) - (b.atUs ?? 0))) yield bytes;
}

class Uuids {
  #last = 0;
  next(): number {
    return ++this.#last;
  }
}

function packet(fill: (message: ProtobufMessage) => ProtobufMessage): Buffer {
  const message = fill(new ProtobufMessage()).uint(PACKET.sequenceId, SEQUENCE);
  return new ProtobufMessage().message(TRACE.packet, message).finish();
}

const descriptor = (message: ProtobufMessage): Packet => ({
  bytes: packet((one) => one.message(PACKET.trackDescriptor, message)),
});

const event = (atUs: number, message: ProtobufMessage): Packet => ({
  atUs,
  bytes: packet((one) => one.uint(PACKET.timestamp, nanoseconds(atUs)).message(PACKET.trackEvent, message)),
});

const nanoseconds = (us: number): bigint => BigInt(Math.round(us * 1000));

function* processPackets({ pid, name, tracks }: ProcessTracks, uuids: Uuids): Generator<Packet> {
  const uuid = uuids.next();
  const process = new ProtobufMessage().uint(PROCESS.pid, pid).string(PROCESS.name, name);
  yield descriptor(new ProtobufMessage().uint(DESCRIPTOR.uuid, uuid).message(DESCRIPTOR.process, process));
  for (const track of tracks) {
    const own = uuids.next();
    const described = new ProtobufMessage().uint(DESCRIPTOR.uuid, own).uint(DESCRIPTOR.parent, uuid);
    yield descriptor(described.string(DESCRIPTOR.name, track.name));
    for (const slice of track.slices) yield* slicePackets(slice, own);
  }
}

function* slicePackets(slice: Slice, track: number): Generator<Packet> {
  yield event(slice.startUs, beginOf(slice, track));
  for (const inner of slice.inner) yield* slicePackets(inner, track);
  yield event(slice.endUs, new ProtobufMessage().uint(EVENT.type, EVENT_TYPES.end).uint(EVENT.track, track));
}

function beginOf({ name, details = {}, arrowFrom, arrowTo }: Slice, track: number): ProtobufMessage {
  const begin = new ProtobufMessage()
    .uint(EVENT.type, EVENT_TYPES.begin)
    .uint(EVENT.track, track)
    .string(EVENT.name, name);
  for (const [key, value] of Object.entries(details)) {
    const annotation = new ProtobufMessage().string(ANNOTATION.name, key);
    if (typeof value === 'number') annotation.uint(ANNOTATION.uintValue, value);
    else annotation.string(ANNOTATION.stringValue, value);
    begin.message(EVENT.annotation, annotation);
  }
  if (arrowFrom !== undefined) begin.fixed64(EVENT.flow, BigInt(arrowFrom));
  if (arrowTo !== undefined) begin.fixed64(EVENT.terminatingFlow, BigInt(arrowTo));
  return begin;
}

function* counterPackets({ name, unit, points }: Counter, uuids: Uuids): Generator<Packet> {
  const uuid = uuids.next();
  const counter = new ProtobufMessage().uint(COUNTER.unit, COUNTER_UNITS[unit]);
  const described = new ProtobufMessage().uint(DESCRIPTOR.uuid, uuid).string(DESCRIPTOR.name, name);
  yield descriptor(described.message(DESCRIPTOR.counter, counter));
  for (const [atUs, value] of points) {
    const point = new ProtobufMessage().uint(EVENT.type, EVENT_TYPES.counter).uint(EVENT.track, uuid);
    yield event(atUs, point.double(EVENT.doubleValue, value));
  }
}
