/** Histogram bounds: inclusive and ascending. The probes get the same arrays when they are loaded. */

/** 1-2-5 from 1 µs to 10 s, in nanoseconds. People write bounds like these in alerts. */
export const TIME_BOUNDS_NS: readonly number[] = timeBounds();

/** Powers of four from 4 KiB to 1 TiB, in bytes. */
export const SIZE_BOUNDS_BYTES: readonly number[] = Array.from({ length: 15 }, (_, i) => 4 ** (i + 6));

function timeBounds(): number[] {
  const bounds: number[] = [];
  for (let decade = 1_000; decade < 10_000_000_000; decade *= 10) bounds.push(decade, 2 * decade, 5 * decade);
  return [...bounds, 10_000_000_000];
}
