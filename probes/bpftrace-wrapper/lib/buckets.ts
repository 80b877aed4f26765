/** Corrects the bounds of histograms. */

import type { Bucket } from './messages.ts';

/**
 * Before 0.20, `hist()` puts all values from 2^31 on into one bucket. The bounds of that bucket overflow a 32-bit integer:
 * bpftrace prints that it begins at -2147483648 and ends at 0.
 */
export function fixBounds(buckets: readonly Bucket[]): readonly Bucket[] {
  return buckets.map((bucket) => (bucket.min === -(2 ** 31) ? { min: 2 ** 31, count: bucket.count } : bucket));
}
