/** Finds the cases where afork is not the best. They come from the results, so no run can leave them out. */
import { mechanismsOf, OURS, UNFAIR } from './cases.ts';
import { quantiles, type Result } from './results.ts';
import type { Measure } from './samples.ts';
import { formatMs, titlesOf } from './table.ts';

/** A smaller ratio of medians is noise. */
const NOTABLE = 1.2;

export function renderLosses(results: readonly Result[]): string {
  const lines = results.flatMap((result) =>
    titlesOf(result.measured.side).flatMap(([measure, title]) => lossIn(result, measure, title)),
  );
  return lines.length > 0 ? lines.join('\n') : 'Nowhere in this run.';
}

function lossIn(result: Result, measure: Measure, title: string): readonly string[] {
  const { side, name } = result.measured;
  const median = (mechanism: string): number => quantiles(result, mechanism, measure)?.p50 ?? NaN;
  const ours = median(OURS[side]);
  const better = mechanismsOf(result.measured)
    .filter((mechanism) => !UNFAIR.includes(mechanism) && ours > NOTABLE * median(mechanism))
    .map((mechanism) => `${mechanism} ${formatMs(median(mechanism))}`);
  return better.length > 0
    ? [`- ${side}, ${name}, ${title}: ${OURS[side]} ${formatMs(ours)} ms; ${better.join(', ')}`]
    : [];
}
