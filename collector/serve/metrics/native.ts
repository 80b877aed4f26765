/** The part of a histogram's message that makes it native. It is written from the slots, without an object between. */
import { HISTOGRAM_BOUNDS, SCALES, type HistogramKind } from '../../model/bounds.ts';
import type { Histogram } from '../../model/histogram.ts';
import type { ProtobufWriter } from '../../encoding/protobuf-writer.ts';

const HISTOGRAM = { schema: 5, zeroThreshold: 6, zeroCount: 7, positiveSpan: 12, positiveDelta: 13 } as const;
const SPAN = { offset: 1, length: 2 } as const;

/** Neighbouring buckets. A gap of no more than two empty ones costs less than a span. */
const LARGEST_GAP = 2;

/** For each span: the number of empty buckets before it, or the first bucket's index in the first one; and its length. */
type Spans = number[];

/** The zero threshold is the lowest bound, so the zero bucket holds exactly the first slot. */
export function writeNativeBuckets({ counts }: Histogram, kind: HistogramKind, writer: ProtobufWriter): void {
  const { schema, lowest } = SCALES[kind];
  writer.signedField(HISTOGRAM.schema, schema);
  writer.doubleField(HISTOGRAM.zeroThreshold, 2 ** lowest);
  writer.varintField(HISTOGRAM.zeroCount, counts[0] ?? 0);
  const spans = writeDeltas(counts, kind, writer);
  for (let i = 0; i < spans.length; i += 2) {
    const at = writer.open(HISTOGRAM.positiveSpan);
    writer.signedField(SPAN.offset, spans[i] ?? 0);
    writer.varintField(SPAN.length, spans[i + 1] ?? 0);
    writer.close(at);
  }
}

/**
 * Writes the first bucket's count, then for each one the difference from the one before it. Slot i is the bucket whose upper
 * bound is 2^(lowest + i / 2^schema). What lies above all bounds goes into the bucket after the last, as if it were just
 * above: quantiles stay finite, count and sum are exact.
 */
function writeDeltas(counts: Histogram['counts'], kind: HistogramKind, writer: ProtobufWriter): Spans {
  const firstIndex = SCALES[kind].lowest * 2 ** SCALES[kind].schema;
  const last = HISTOGRAM_BOUNDS[kind].length;
  const spans: Spans = [];
  const at = writer.open(HISTOGRAM.positiveDelta);
  let before = 0;
  let end = 0;
  let length = 0;
  for (let slot = 1; slot <= last; slot++) {
    const count = counts[slot] ?? 0;
    if (count === 0) continue;
    const gap = firstIndex + slot - end;
    if (length === 0 || gap > LARGEST_GAP) {
      if (length > 0) spans.push(length);
      spans.push(gap);
      length = 0;
    } else {
      for (let i = 0; i < gap; i++) {
        writer.signed(-before);
        before = 0;
      }
      length += gap;
    }
    writer.signed(count - before);
    before = count;
    end += gap + 1;
    length++;
  }
  if (length > 0) spans.push(length);
  writer.close(at);
  return spans;
}
