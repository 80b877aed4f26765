/** Whether afork really ran: from the probes, not from the hook. */
import type { Mechanism } from '../../engine/engine.ts';
import { formatBytes, formatCount } from '../../ledger/format.ts';
import type { Choice } from '../choose/choose.ts';
import type { Measurement } from '../run/measure.ts';
import { costsByMechanism } from './figures.ts';

const LARGE_COPY_BYTES = 64 << 20;

export function verdictOf({ via }: Choice, { rows }: Measurement): string {
  const byMechanism = new Map(costsByMechanism(rows));
  const spawnsOf = (mechanism: Mechanism): number => byMechanism.get(mechanism)?.spawns ?? 0;
  const total = [...byMechanism.values()].reduce((sum, { spawns }) => sum + spawns, 0);
  const afork = spawnsOf('afork');
  if (total === 0) return 'no spawns';
  if (via === 'none' || via === 'hugepages') return `${spawnsText(total)}${hint(via, byMechanism)}`;
  if (afork === total) return `afork made ${total === 1 ? 'the one spawn' : `all ${spawnsText(total)}`}`;
  const others = (['fork', 'vfork'] as const)
    .filter((mechanism) => spawnsOf(mechanism) > 0)
    .map((mechanism) => `${formatCount(spawnsOf(mechanism))} by ${mechanism}`);
  return `afork made ${formatCount(afork)} of ${spawnsText(total)}; ${others.join(', ')}`;
}

function spawnsText(count: number): string {
  return `${formatCount(count)} spawn${count === 1 ? '' : 's'}`;
}

/** Forks that copied much are what huge pages are for. */
function hint(via: Choice['via'], byMechanism: ReadonlyMap<Mechanism, { spawns: number; copiedRss: { sum: number } }>): string {
  const fork = byMechanism.get('fork');
  const copied = fork ? fork.copiedRss.sum / fork.spawns : 0;
  if (via !== 'none' || copied < LARGE_COPY_BYTES) return '';
  return `; each fork copied ${formatBytes(copied)} on average: try --via hugepages, if that is memory of malloc`;
}
