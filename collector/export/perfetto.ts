/**
 * A timeline as a trace of Perfetto: protos/perfetto/trace/{trace,trace_packet}.proto and track_event/*.proto of
 * https://github.com/google/perfetto. The numbers are those of the fields there.
 */
import { ProtobufWriter } from '../encoding/protobuf-writer.ts';
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

const NS_PER_US = 1000;
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

type Fill = (writer: ProtobufWriter) => void;

function message(writer: ProtobufWriter, field: number, fill: Fill): void {
  const at = writer.open(field);
  fill(writer);
  writer.close(at);
}

function packet(fill: Fill): Buffer {
  const writer = new ProtobufWriter();
  message(writer, TRACE.packet, () => {
    fill(writer);
    writer.varintField(PACKET.sequenceId, SEQUENCE);
  });
  return Buffer.from(writer.written);
}

const descriptor = (fill: Fill): Packet => ({
  bytes: packet((writer) => message(writer, PACKET.trackDescriptor, fill)),
});

const event = (atUs: number, fill: Fill): Packet => ({
  atUs,
  bytes: packet((writer) => {
    writer.varintField(PACKET.timestamp, Math.round(atUs * NS_PER_US));
    message(writer, PACKET.trackEvent, fill);
  }),
});

function* processPackets({ pid, name, tracks }: ProcessTracks, uuids: Uuids): Generator<Packet> {
  const uuid = uuids.next();
  yield descriptor((writer) => {
    writer.varintField(DESCRIPTOR.uuid, uuid);
    message(writer, DESCRIPTOR.process, () => {
      writer.varintField(PROCESS.pid, pid);
      writer.textField(PROCESS.name, name);
    });
  });
  for (const track of tracks) {
    const own = uuids.next();
    yield descriptor((writer) => {
      writer.varintField(DESCRIPTOR.uuid, own);
      writer.varintField(DESCRIPTOR.parent, uuid);
      writer.textField(DESCRIPTOR.name, track.name);
    });
    for (const slice of track.slices) yield* slicePackets(slice, own);
  }
}

function* slicePackets(slice: Slice, track: number): Generator<Packet> {
  yield event(slice.startUs, (writer) => writeBegin(writer, slice, track));
  for (const inner of slice.inner) yield* slicePackets(inner, track);
  yield event(slice.endUs, (writer) => {
    writer.varintField(EVENT.type, EVENT_TYPES.end);
    writer.varintField(EVENT.track, track);
  });
}

function writeBegin(writer: ProtobufWriter, { name, details = {}, arrowFrom, arrowTo }: Slice, track: number): void {
  writer.varintField(EVENT.type, EVENT_TYPES.begin);
  writer.varintField(EVENT.track, track);
  writer.textField(EVENT.name, name);
  for (const [key, value] of Object.entries(details))
    message(writer, EVENT.annotation, () => {
      writer.textField(ANNOTATION.name, key);
      if (typeof value === 'number') writer.varintField(ANNOTATION.uintValue, value);
      else writer.textField(ANNOTATION.stringValue, value);
    });
  if (arrowFrom !== undefined) writer.fixed64Field(EVENT.flow, arrowFrom);
  if (arrowTo !== undefined) writer.fixed64Field(EVENT.terminatingFlow, arrowTo);
}

function* counterPackets({ name, unit, points }: Counter, uuids: Uuids): Generator<Packet> {
  const uuid = uuids.next();
  yield descriptor((writer) => {
    writer.varintField(DESCRIPTOR.uuid, uuid);
    writer.textField(DESCRIPTOR.name, name);
    message(writer, DESCRIPTOR.counter, () => writer.varintField(COUNTER.unit, COUNTER_UNITS[unit]));
  });
  for (const [atUs, value] of points)
    yield event(atUs, (writer) => {
      writer.varintField(EVENT.type, EVENT_TYPES.counter);
      writer.varintField(EVENT.track, uuid);
      writer.doubleField(EVENT.doubleValue, value);
    });
}
