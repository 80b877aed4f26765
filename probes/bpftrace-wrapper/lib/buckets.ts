/** Bounds of histograms. */

import type { Bucket } from './messages.ts';

/**
 * Before 0.20 bpftrace computes the bounds of `hist()` as 32-bit integers: 2^31 comes out as -2147483648, and above that
 * they begin again at 1. Buckets come without gaps, so each bound follows from the first bucket. If all values are 2^32
 * or more the first one is wrong too, and nothing shows it.
 */
export function fixBounds(buckets: readonly Bucket[]): readonly Bucket[] {
  const [first] = buckets;
  if (!first) return buckets;
  let power = firstPower(first);
  return buckets.map((bucket) => {
    const at = power++;
    if (at < 0) return bucket;
    const min = 2n ** BigInt(at);
    return { min: narrow(min), max: narrow(2n * min - 1n), count: bucket.count };
  });
}

/** n of a bucket that begins at 2^n; -1 is the bucket of 0, -2 that of the negative values. */
function firstPower(first: Bucket): number {
  if (first.min === undefined) return -2;
  const min = Number(first.min);
  return min === 0 ? -1 : Math.log2(min < 0 ? -min : min);
}

const narrow = (value: bigint): number | bigint => (value <= Number.MAX_SAFE_INTEGER ? Number(value) : value);
