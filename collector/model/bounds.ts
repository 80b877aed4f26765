/**
 * Histogram bounds: inclusive and ascending. The probes get the same arrays when they are loaded. They are the bounds
 * of Prometheus' native histograms, whose i-th bound of a schema is 2^(i / 2^schema) seconds or bytes.
 */

export interface Scale {
  /** Bounds for each power of two: 2^schema. */
  readonly schema: number;
  /** The lowest bound is 2^lowest base units. Below it lies what native histograms call the zero bucket. */
  readonly lowest: number;
  /** The highest bound is 2^highest base units. */
  readonly highest: number;
  /** The engine's units, nanoseconds or bytes, in the base unit: seconds or bytes. */
  readonly unitsPerBase: number;
}

const NS_PER_SECOND = 1e9;

/** By the kind of histogram. A row of them all stays below 4 KiB. */
export const SCALES = {
  /** From 3.8 us to 256 s, within 9 %: what is paid. */
  timeHistogram: { schema: 2, lowest: -18, highest: 8, unitsPerBase: NS_PER_SECOND },
  /** From 61 us to 49 days, within 19 %. */
  lifetimeHistogram: { schema: 1, lowest: -14, highest: 22, unitsPerBase: NS_PER_SECOND },
  /** From 4 KiB to 1 TiB, within 19 %. */
  sizeHistogram: { schema: 1, lowest: 12, highest: 40, unitsPerBase: 1 },
} as const satisfies Readonly<Record<string, Scale>>;

export type HistogramKind = keyof typeof SCALES;

/** In the engine's units, rounded down: values are whole, so each is on the same side of what was rounded. */
export const HISTOGRAM_BOUNDS: Readonly<Record<HistogramKind, readonly number[]>> = {
  timeHistogram: boundsOf(SCALES.timeHistogram),
  lifetimeHistogram: boundsOf(SCALES.lifetimeHistogram),
  sizeHistogram: boundsOf(SCALES.sizeHistogram),
};

export const TIME_BOUNDS_NS = HISTOGRAM_BOUNDS.timeHistogram;
export const LIFETIME_BOUNDS_NS = HISTOGRAM_BOUNDS.lifetimeHistogram;
export const SIZE_BOUNDS_BYTES = HISTOGRAM_BOUNDS.sizeHistogram;

function boundsOf({ schema, lowest, highest, unitsPerBase }: Scale): number[] {
  const perPower = 2 ** schema;
  const count = (highest - lowest) * perPower + 1;
  return Array.from({ length: count }, (_, i) => Math.floor(2 ** (lowest + i / perPower) * unitsPerBase));
}
