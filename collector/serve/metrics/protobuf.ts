/**
 * Prometheus' protobuf format: messages of io.prometheus.client.MetricFamily, each after its length. The numbers of the
 * fields are those of prompb/io/prometheus/client/metrics.proto in github.com/prometheus/prometheus. Histograms of the
 * table have native and classic buckets; whoever scrapes takes those that it is configured for.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SCALES } from '../../model/bounds.ts';
import { slotOf } from '../../model/histogram.ts';
import type { SlowestSpawn } from '../../model/rows.ts';
import { CLASSIC_BUCKETS, cumulativeCounts } from './classic.ts';
import type { BucketsSample, Family, FamilyHead, Sample, SlotsSample } from './family.ts';
import { delimiter, ProtobufWriter } from '../../encoding/protobuf-writer.ts';
import { nativeBuckets, ZERO_THRESHOLDS } from './native.ts';

const FAMILY = { name: 1, help: 2, type: 3, metric: 4 } as const;
const TYPES = { counter: 0, gauge: 1, histogram: 4 } as const satisfies Record<FamilyHead['kind'], number>;
const METRIC = { label: 1, gauge: 2, counter: 3, histogram: 7 } as const;
const LABEL = { name: 1, value: 2 } as const;
/** The number of the field `value` in the messages of a gauge and of a counter. */
const VALUE = 1;
const HISTOGRAM = {
  sampleCount: 1,
  sampleSum: 2,
  bucket: 3,
  schema: 5,
  zeroThreshold: 6,
  zeroCount: 7,
  positiveSpan: 12,
  positiveDelta: 13,
  exemplars: 16,
} as const;
const BUCKET = { cumulativeCount: 1, upperBound: 2, exemplar: 3 } as const;
const SPAN = { offset: 1, length: 2 } as const;
const EXEMPLAR = { label: 1, value: 2, timestamp: 3 } as const;
const TIMESTAMP = { seconds: 1, nanos: 2 } as const;

/** A message must be whole before its length is known; after so many metrics others may run. */
const METRICS_AT_ONCE = 500;

const NS_PER_SECOND = 1e9;

export async function* renderProtobuf({ head, samples }: Family): AsyncGenerator<Uint8Array> {
  const metrics = new ProtobufWriter();
  const field = METRIC[head.kind];
  let count = 0;
  for (const sample of samples) {
    writeMetric(field, sample, metrics);
    if (++count % METRICS_AT_ONCE === 0) await nextTurn();
  }
  const start = familyStart(head);
  yield delimiter(start.length + metrics.written.length);
  yield start;
  yield metrics.written;
}

function familyStart({ name, help, kind }: FamilyHead): Uint8Array {
  const writer = new ProtobufWriter();
  writer.textField(FAMILY.name, name);
  writer.textField(FAMILY.help, help);
  writer.varintField(FAMILY.type, TYPES[kind]);
  return writer.written;
}

function writeMetric(field: number, sample: Sample, writer: ProtobufWriter): void {
  const metric = writer.open(FAMILY.metric);
  for (const [name, value] of sample.labels) if (value !== '') writeLabel(METRIC.label, name, value, writer);
  const at = writer.open(field);
  if ('value' in sample) writer.doubleField(VALUE, sample.value);
  else if ('buckets' in sample) writeBuckets(sample, writer);
  else writeSlots(sample, writer);
  writer.close(at);
  writer.close(metric);
}

function writeBuckets({ buckets, sum, count }: BucketsSample, writer: ProtobufWriter): void {
  writer.varintField(HISTOGRAM.sampleCount, count);
  writer.doubleField(HISTOGRAM.sampleSum, sum);
  for (const [bound, upTo] of buckets) writeBucket(bound, upTo, undefined, writer);
}

function writeSlots({ scale, histogram, slowest }: SlotsSample, writer: ProtobufWriter): void {
  const { schema, unitsPerBase } = SCALES[scale];
  const { bounds } = CLASSIC_BUCKETS[scale];
  const counts = cumulativeCounts(histogram, CLASSIC_BUCKETS[scale]);
  const slowestAt = slowest ? slotOf(bounds, slowest.stallNs / NS_PER_SECOND) : -1;
  writer.varintField(HISTOGRAM.sampleCount, counts.at(-1) ?? 0);
  writer.doubleField(HISTOGRAM.sampleSum, histogram.sum / unitsPerBase);
  for (let i = 0; i < counts.length; i++) {
    writeBucket(bounds[i] ?? Infinity, counts[i] ?? 0, i === slowestAt ? slowest : undefined, writer);
  }
  const { zeroCount, spans, deltas } = nativeBuckets(histogram, scale);
  writer.signedField(HISTOGRAM.schema, schema);
  writer.doubleField(HISTOGRAM.zeroThreshold, ZERO_THRESHOLDS[scale]);
  writer.varintField(HISTOGRAM.zeroCount, zeroCount);
  for (const { offset, length } of spans) {
    const at = writer.open(HISTOGRAM.positiveSpan);
    writer.signedField(SPAN.offset, offset);
    writer.varintField(SPAN.length, length);
    writer.close(at);
  }
  writer.packedSignedField(HISTOGRAM.positiveDelta, deltas);
  if (slowest) writeExemplar(HISTOGRAM.exemplars, slowest, writer);
}

function writeBucket(bound: number, count: number, slowest: SlowestSpawn | undefined, writer: ProtobufWriter): void {
  const at = writer.open(HISTOGRAM.bucket);
  writer.varintField(BUCKET.cumulativeCount, count);
  writer.doubleField(BUCKET.upperBound, bound);
  if (slowest) writeExemplar(BUCKET.exemplar, slowest, writer);
  writer.close(at);
}

function writeExemplar(field: number, { pid, stallNs, atMs }: SlowestSpawn, writer: ProtobufWriter): void {
  const at = writer.open(field);
  writeLabel(EXEMPLAR.label, 'pid', String(pid), writer);
  writer.doubleField(EXEMPLAR.value, stallNs / NS_PER_SECOND);
  const timestamp = writer.open(EXEMPLAR.timestamp);
  const seconds = Math.floor(atMs / 1000);
  writer.varintField(TIMESTAMP.seconds, seconds);
  writer.varintField(TIMESTAMP.nanos, Math.floor((atMs - seconds * 1000) * 1e6));
  writer.close(timestamp);
  writer.close(at);
}

function writeLabel(field: number, name: string, value: string, writer: ProtobufWriter): void {
  const at = writer.open(field);
  writer.textField(LABEL.name, name);
  writer.textField(LABEL.value, value);
  writer.close(at);
}
