/** The results of a run, by case and mechanism. */
import type { Case, Side } from './cases.ts';
import type { Outcome } from './run.ts';
import { type Measure, type Quantiles, quantilesOf, type Sample } from './samples.ts';

export interface Result {
  readonly measured: Case;
  readonly samples: Sample[];
  residentBytes?: number;
  skipped?: string;
}

export function addOutcome(result: Result, { samples, residentBytes, skipped }: Outcome): void {
  result.samples.push(...samples);
  if (residentBytes) result.residentBytes = residentBytes;
  if (skipped) result.skipped = skipped;
}

/** Gives undefined if nothing was measured. */
export function quantiles(result: Result, mechanism: string, measure: Measure): Quantiles | undefined {
  const measured = result.samples
    .filter((sample) => sample.mechanism === mechanism)
    .map((sample) => sample[measure] ?? 0)
    .filter((value) => value > 0);
  return measured.length > 0 ? quantilesOf(measured) : undefined;
}

export function findResult(results: readonly Result[], side: Side, name: string): Result | undefined {
  return results.find(({ measured }) => measured.side === side && measured.name === name);
}
