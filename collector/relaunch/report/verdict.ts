/** Tells whether afork really ran. The probes saw it; what was put into the program does not prove it. */
import type { CostRow } from '../../model/rows.ts';
import type { Mechanism } from '../../model/spawn.ts';
import { formatBytes, formatCount } from '../../terminal/format.ts';
import { printable } from '../../terminal/text.ts';
import type { Choice } from '../choose/choose.ts';
import type { Measurement } from '../measure/meter.ts';
import { costsByMechanism, largestCopier } from '../measure/run-figures.ts';

const LARGE_COPY_BYTES = 64 << 20;

export function verdictOf(choice: Choice, { rows }: Measurement): string {
  const byMechanism = new Map(costsByMechanism(rows));
  const spawnsOf = (mechanism: Mechanism): number => byMechanism.get(mechanism)?.spawns ?? 0;
  const total = [...byMechanism.values()].reduce((sum, { spawns }) => sum + spawns, 0);
  const afork = spawnsOf('afork');
  if (total === 0) return 'no spawns';
  if (choice.via === 'none' || choice.via === 'hugepages') return `${spawnsText(total)}${hint(choice, rows)}`;
  if (afork === total) return `afork made ${total === 1 ? 'the one spawn' : `all ${spawnsText(total)}`}`;
  const others = (['fork', 'vfork'] as const)
    .filter((mechanism) => spawnsOf(mechanism) > 0)
    .map((mechanism) => `${formatCount(spawnsOf(mechanism))} by ${mechanism}`);
  return `afork made ${formatCount(afork)} of ${spawnsText(total)}; ${others.join(', ')}`;
}

function spawnsText(count: number): string {
  return `${formatCount(count)} spawn${count === 1 ? '' : 's'}`;
}

/** Advises on the program that copied most with each fork, if it copied much. */
function hint({ via, runtime }: Choice, rows: readonly CostRow[]): string {
  const largest = largestCopier(rows);
  if (via !== 'none' || !largest || largest.bytes < LARGE_COPY_BYTES) return '';
  const way = runtime?.name === 'Node.js' ? '--via node' : '--via hugepages, if that is memory of malloc';
  return `; each fork of ${printable(largest.comm)} copied ${formatBytes(largest.bytes)} on average: try ${way}`;
}
