/** One line for each call site: names from the spawner inwards, joined by semicolons, and a weight. flamegraph.pl and speedscope read it. */
import type { CallSite } from '../model/call-sites.ts';
import { printable } from '../terminal/text.ts';
import { pathOf } from './names.ts';
import { WEIGHTS, type Weight } from './weights.ts';

/** Sites that have nothing of the weight are left out: they would have no width. */
export function folded(sites: readonly CallSite[], weight: Weight): string {
  const sums = new Map<string, number>();
  for (const site of sites) {
    const path = pathOf(site).map(nameInLine).join(';');
    sums.set(path, (sums.get(path) ?? 0) + WEIGHTS[weight].of(site));
  }
  return Array.from(sums, ([path, sum]) => (sum > 0 ? `${path} ${sum}\n` : '')).join('');
}

const nameInLine = (name: string): string => printable(name).replaceAll(';', ':');
