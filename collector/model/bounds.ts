/** Histogram bounds, inclusive, ascending; the kernel is given the same arrays when the probes are loaded. */

/** 1-2-5 from 1 us to 10 s, in nanoseconds: the bounds that a person would write in an alert. */
export const TIME_BOUNDS_NS: readonly number[] = timeBounds();

/** Powers of four from 4 KiB to 1 TiB, in bytes. */
export const SIZE_BOUNDS_BYTES: readonly number[] = Array.from({ length: 15 }, (_, i) => 4 ** (i + 6));

function timeBounds(): number[] {
  const bounds: number[] = [];
  for (let decade = 1_000; decade < 10_000_000_000; decade *= 10) bounds.push(decade, 2 * decade, 5 * decade);
  return [...bounds, 10_000_000_000];
}
