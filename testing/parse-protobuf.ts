/** Reads Prometheus' protobuf format back, for tests: the fields of metrics.proto that a scraper looks at. */
import { PbfReader } from 'pbf';

export interface ParsedHistogram {
  readonly count: number;
  readonly sum: number;
  readonly buckets: { bound: number; count: number; exemplar?: ParsedExemplar }[];
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  /** By index of the native bucket. */
  readonly native: ReadonlyMap<number, number>;
}

interface ParsedExemplar {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly atMs: number;
}

interface ParsedMetric {
  readonly labels: Readonly<Record<string, string>>;
  readonly value?: number;
  readonly histogram?: ParsedHistogram;
}

export interface ParsedFamily {
  readonly name: string;
  readonly help: string;
  readonly type: number;
  readonly metrics: readonly ParsedMetric[];
}

export function parseFamilies(bytes: Uint8Array): ParsedFamily[] {
  const reader = new PbfReader(bytes);
  const families: ParsedFamily[] = [];
  while (reader.pos < bytes.length) {
    const end = reader.readVarint() + reader.pos;
    if (end > bytes.length) throw new RangeError('a message ends after the body');
    families.push(familyOf(fieldsUntil(reader, end)));
  }
  return families;
}

type Fields = ReadonlyMap<number, readonly Field[]>;
/** A varint or a double as both, what has a length as bytes. */
type Field = { readonly varint: number } | { readonly double: number } | { readonly bytes: Uint8Array };

function fieldsOf(bytes: Uint8Array): Fields {
  return fieldsUntil(new PbfReader(bytes), bytes.length);
}

function fieldsUntil(reader: PbfReader, end: number): Fields {
  const fields = new Map<number, Field[]>();
  while (reader.pos < end) {
    const tag = reader.readVarint();
    const list = fields.get(tag >> 3) ?? [];
    fields.set(tag >> 3, list);
    list.push(readField(reader, tag & 7));
  }
  if (reader.pos !== end) throw new RangeError('a field ends after its message');
  return fields;
}

function readField(reader: PbfReader, wireType: number): Field {
  if (wireType === 0) return { varint: reader.readVarint(true) };
  if (wireType === 1) return { double: reader.readDouble() };
  if (wireType === 2) return { bytes: reader.readBytes() };
  throw new RangeError(`wire type ${wireType}`);
}

const all = (fields: Fields, number: number): Uint8Array[] =>
  (fields.get(number) ?? []).map((field) => ('bytes' in field ? field.bytes : new Uint8Array()));
const text = (fields: Fields, number: number) =>
  all(fields, number)
    .map((bytes) => Buffer.from(bytes).toString())
    .join();
const varint = (fields: Fields, number: number) => {
  const field = fields.get(number)?.at(-1);
  return field && 'varint' in field ? field.varint : 0;
};
const double = (fields: Fields, number: number) => {
  const field = fields.get(number)?.at(-1);
  return field && 'double' in field ? field.double : 0;
};
const signed = (value: number) => (value % 2 === 0 ? value / 2 : -(value + 1) / 2);

function familyOf(fields: Fields): ParsedFamily {
  const metrics = all(fields, 4).map((bytes) => metricOf(fieldsOf(bytes)));
  return { name: text(fields, 1), help: text(fields, 2), type: varint(fields, 3), metrics };
}

function metricOf(fields: Fields): ParsedMetric {
  const labels = labelsOf(all(fields, 1));
  const [histogram] = all(fields, 7);
  if (histogram) return { labels, histogram: histogramOf(fieldsOf(histogram)) };
  const [value] = [...all(fields, 2), ...all(fields, 3)];
  return { labels, value: double(fieldsOf(value ?? new Uint8Array()), 1) };
}

function labelsOf(pairs: readonly Uint8Array[]): Record<string, string> {
  return Object.fromEntries(pairs.map(fieldsOf).map((fields) => [text(fields, 1), text(fields, 2)]));
}

function histogramOf(fields: Fields): ParsedHistogram {
  return {
    count: varint(fields, 1),
    sum: double(fields, 2),
    buckets: all(fields, 3).map((bytes) => bucketOf(fieldsOf(bytes))),
    schema: signed(varint(fields, 5)),
    zeroThreshold: double(fields, 6),
    zeroCount: varint(fields, 7),
    native: nativeOf(all(fields, 12), all(fields, 13)),
  };
}

function bucketOf(fields: Fields): ParsedHistogram['buckets'][number] {
  const [exemplar] = all(fields, 3);
  return {
    bound: double(fields, 2),
    count: varint(fields, 1),
    ...(exemplar && { exemplar: exemplarOf(fieldsOf(exemplar)) }),
  };
}

function nativeOf(spans: readonly Uint8Array[], packedDeltas: readonly Uint8Array[]): Map<number, number> {
  const deltas: number[] = [];
  for (const bytes of packedDeltas) {
    const reader = new PbfReader(bytes);
    while (reader.pos < bytes.length) deltas.push(reader.readSVarint());
  }
  const counts = new Map<number, number>();
  let index = 0;
  let count = 0;
  for (const span of spans.map(fieldsOf)) {
    index += signed(varint(span, 1));
    for (let left = varint(span, 2); left > 0; left--) {
      count += deltas.shift() ?? NaN;
      counts.set(index++, count);
    }
  }
  if (deltas.length > 0) throw new RangeError('more deltas than buckets');
  return counts;
}

function exemplarOf(fields: Fields): ParsedExemplar {
  const timestamp = fieldsOf(all(fields, 3)[0] ?? new Uint8Array());
  return {
    labels: labelsOf(all(fields, 1)),
    value: double(fields, 2),
    atMs: varint(timestamp, 1) * 1000 + varint(timestamp, 2) / 1e6,
  };
}
