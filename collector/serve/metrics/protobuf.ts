/**
 * Prometheus' protobuf format: messages of io.prometheus.client.MetricFamily, each after its length. The numbers of the
 * fields are those of prompb/io/prometheus/client/metrics.proto in github.com/prometheus/prometheus. Histograms of the
 * table have native and classic buckets; whoever scrapes takes those that it is configured for.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SCALES, type HistogramKind } from '../../model/bounds.ts';
import { slotOf } from '../../model/histogram.ts';
import type { SlowestSpawn } from '../../model/rows.ts';
import { CLASSIC_BUCKETS, cumulativeCounts } from './classic.ts';
import type { BucketsSample, Family, FamilyHead, Sample, SlotsSample } from './family.ts';
import { delimiter, ProtobufWriter } from '../../encoding/protobuf-writer.ts';
import { writeNativeBuckets } from './native.ts';

const FAMILY = { name: 1, help: 2, type: 3, metric: 4 } as const;
const TYPES = { counter: 0, gauge: 1, histogram: 4 } as const satisfies Record<FamilyHead['kind'], number>;
const METRIC = { label: 1, gauge: 2, counter: 3, histogram: 7 } as const;
const LABEL = { name: 1, value: 2 } as const;
/** The number of the field `value` in the messages of a gauge and of a counter. */
const VALUE = 1;
/** native.ts has the others. */
const HISTOGRAM = { sampleCount: 1, sampleSum: 2, bucket: 3 } as const;
/**
 * The slowest spawn is the exemplar of its classic bucket. Prometheus takes it from there for a native histogram too. From
 * the field `exemplars`, Prometheus 2.53 takes those of one histogram of a family.
 */
const BUCKET = { cumulativeCount: 1, upperBound: 2, exemplar: 3 } as const;
const EXEMPLAR = { label: 1, value: 2, timestamp: 3 } as const;
const TIMESTAMP = { seconds: 1, nanos: 2 } as const;

/** The field of each classic bucket's bound, as it is written. */
const FIELDS_OF_BOUNDS: Readonly<Record<HistogramKind, readonly Uint8Array[]>> = {
  timeHistogram: fieldsOfBounds('timeHistogram'),
  lifetimeHistogram: fieldsOfBounds('lifetimeHistogram'),
  sizeHistogram: fieldsOfBounds('sizeHistogram'),
};
const NO_FIELDS = new Uint8Array();

/** After so many metrics others may run. */
const METRICS_AT_ONCE = 500;

/** As many metrics as before take about as many bytes. */
const SPARE_BYTES = 1 << 12;

const NS_PER_SECOND = 1e9;

/** A message must be whole before its length is known, but not in one place. */
export async function* renderProtobuf({ head, samples }: Family): AsyncGenerator<Uint8Array> {
  const parts: Uint8Array[] = [familyStart(head)];
  const field = METRIC[head.kind];
  let metrics = new ProtobufWriter();
  let count = 0;
  for (const sample of samples) {
    writeMetric(field, sample, metrics);
    if (++count % METRICS_AT_ONCE !== 0) continue;
    parts.push(metrics.written);
    metrics = new ProtobufWriter(metrics.written.length + SPARE_BYTES);
    await nextTurn();
  }
  parts.push(metrics.written);
  yield delimiter(parts.reduce((sum, part) => sum + part.length, 0));
  yield* parts;
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
  const { bounds } = CLASSIC_BUCKETS[scale];
  const counts = cumulativeCounts(histogram, CLASSIC_BUCKETS[scale]);
  const slowestAt = slowest ? slotOf(bounds, slowest.stallNs / NS_PER_SECOND) : -1;
  writer.varintField(HISTOGRAM.sampleCount, counts.at(-1) ?? 0);
  writer.doubleField(HISTOGRAM.sampleSum, histogram.sum / SCALES[scale].unitsPerBase);
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i] ?? 0;
    if (i === slowestAt) writeBucket(bounds[i] ?? Infinity, count, slowest, writer);
    else writer.shortMessage(HISTOGRAM.bucket, BUCKET.cumulativeCount, count, FIELDS_OF_BOUNDS[scale][i] ?? NO_FIELDS);
  }
  writeNativeBuckets(histogram, scale, writer);
}

function writeBucket(bound: number, count: number, slowest: SlowestSpawn | undefined, writer: ProtobufWriter): void {
  const at = writer.open(HISTOGRAM.bucket);
  writer.varintField(BUCKET.cumulativeCount, count);
  writer.doubleField(BUCKET.upperBound, bound);
  if (slowest) writeExemplar(slowest, writer);
  writer.close(at);
}

function writeExemplar({ pid, stallNs, atMs }: SlowestSpawn, writer: ProtobufWriter): void {
  const at = writer.open(BUCKET.exemplar);
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

function fieldsOfBounds(kind: HistogramKind): Uint8Array[] {
  return [...CLASSIC_BUCKETS[kind].bounds, Infinity].map((bound) => {
    const writer = new ProtobufWriter();
    writer.doubleField(BUCKET.upperBound, bound);
    return writer.written;
  });
}
