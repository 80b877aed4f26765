import type { Mechanism } from '../model/spawn.ts';
import { errnoName } from '../system/errno.ts';
import { formatCount, formatDuration } from '../terminal/format.ts';
import type { Run } from './json.ts';
import { WORST, type SpawnerStalls, type SpawnSummary } from './summary.ts';
import { printable } from '../terminal/text.ts';
import { tableHeader, tableLine, type Column } from '../terminal/table.ts';

const SPAWNER_COLUMNS: readonly Column<SpawnerStalls>[] = [
  { title: 'SPAWNER', width: 15, align: 'left', cell: ({ comm }) => printable(comm) },
  { title: 'SPAWNS', width: 9, align: 'right', cell: ({ spawns }) => formatCount(spawns) },
  { title: 'STALL-SUM', width: 9, align: 'right', cell: ({ stallNs }) => formatDuration(stallNs) },
  { title: 'MAX', width: 9, align: 'right', cell: ({ longestNs }) => formatDuration(longestNs) },
  { title: 'OF PID', width: 9, align: 'right', cell: ({ pid }) => `${pid}` },
];

/** Gives the summary of a run of snoop, for a person. */
export function summaryText(summary: SpawnSummary, run: Run): string {
  const columns = summaryColumns(summary);
  const lines = [
    `${formatCount(summary.total)} spawns in ${formatDuration(run.ns)}`,
    ...(summary.total > 0 ? [tableHeader(columns)] : []),
    ...summary.mechanisms.map((mechanism) => tableLine(columns, mechanism)),
    ...worstSpawners(summary),
    ...failures('failed spawns', summary.spawnFailures),
    ...failures('failed execs', summary.execFailures),
    ...losses(run),
  ];
  return `${lines.join('\n')}\n`;
}

function summaryColumns({ spawns, stalls }: SpawnSummary): Column<Mechanism>[] {
  const stall = (title: string, nsOf: (mechanism: Mechanism) => number | undefined): Column<Mechanism> => ({
    title,
    width: 9,
    align: 'right',
    cell: (mechanism) => (stalls[mechanism].count === 0 ? '-' : formatDuration(nsOf(mechanism) ?? 0)),
  });
  return [
    { title: 'MECH', width: 5, align: 'left', cell: (mechanism) => mechanism },
    { title: 'SPAWNS', width: 9, align: 'right', cell: (mechanism) => formatCount(spawns[mechanism]) },
    stall('STALL-SUM', (mechanism) => stalls[mechanism].sum),
    stall('P50', (mechanism) => stalls[mechanism].quantile(0.5)),
    stall('P99', (mechanism) => stalls[mechanism].quantile(0.99)),
    stall('MAX', (mechanism) => stalls[mechanism].max),
  ];
}

/** Told only where there is a choice of them. */
function worstSpawners(summary: SpawnSummary): string[] {
  const worst = summary.worst(WORST);
  if (worst.length < 2) return [];
  return [tableHeader(SPAWNER_COLUMNS), ...worst.map((spawner) => tableLine(SPAWNER_COLUMNS, spawner))];
}

function failures(title: string, counts: ReadonlyMap<number, number>): string[] {
  if (counts.size === 0) return [];
  const parts = [...counts].map(([errno, count]) => `${errnoName(errno)} ${formatCount(count)}`);
  return [`${title}: ${parts.join(', ')}`];
}

function losses({ eventsLost, countedSpawns }: Run): string[] {
  if (eventsLost === 0) return [];
  const lost = `${formatCount(eventsLost)} events were lost and are missing above`;
  return [countedSpawns === undefined ? lost : `${lost}; the kernel counted ${formatCount(countedSpawns)} spawns`];
}
