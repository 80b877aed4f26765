/** Sums of rows, for `(other)`. */
import type { RowCosts } from './decode.ts';
import type { Histogram } from './engine.ts';

function addHistograms(a: Histogram, b: Histogram): Histogram {
  return { counts: Array.from(a.counts, (count, i) => count + (b.counts[i] ?? 0)), sum: a.sum + b.sum };
}

/** `b`, and `a` if there is one. */
export function addRowCosts(a: RowCosts | undefined, b: RowCosts): RowCosts {
  if (!a) return b;
  const slowest = (a.slowest?.stallNs ?? 0) > (b.slowest?.stallNs ?? 0) ? a.slowest : b.slowest;
  return {
    spawns: a.spawns + b.spawns,
    stall: addHistograms(a.stall, b.stall),
    copyNs: a.copyNs + b.copyNs,
    copiedRss: addHistograms(a.copiedRss, b.copiedRss),
    copiedPageTableBytes: a.copiedPageTableBytes + b.copiedPageTableBytes,
    cowFaultsParent: a.cowFaultsParent + b.cowFaultsParent,
    cowFaultsChild: a.cowFaultsChild + b.cowFaultsChild,
    childFaults: a.childFaults + b.childFaults,
    execDelay: addHistograms(a.execDelay, b.execDelay),
    lifetime: addHistograms(a.lifetime, b.lifetime),
    execStallNs: a.execStallNs + b.execStallNs,
    execStalls: a.execStalls + b.execStalls,
    avoidableStallNs: a.avoidableStallNs + b.avoidableStallNs,
    ...(slowest && { slowest }),
  };
}
