/** The output of `forktax advise` for a person. */
import { formatBytes, formatCount, formatDuration } from '../terminal/format.ts';
import { tableHeader, tableLine, type Column } from '../terminal/table.ts';
import { printable } from '../terminal/text.ts';
import { CALIBRATION_SPAWNS } from './calibrate.ts';
import type { Findings } from './advise.ts';
import type { Advice } from './rank.ts';

const COLUMNS: readonly Column<Advice>[] = [
  { title: 'AVOIDABLE', width: 9, align: 'right', cell: ({ avoidableNs }) => formatDuration(avoidableNs) },
  { title: 'SPAWNS', width: 7, align: 'right', cell: ({ spawns }) => formatCount(spawns) },
  { title: 'MECH', width: 5, align: 'left', cell: ({ mechanism }) => mechanism },
  { title: 'EACH', width: 6, align: 'right', cell: ({ stallNs }) => formatDuration(stallNs) },
  {
    title: 'RSS',
    width: 7,
    align: 'right',
    cell: ({ copiedRssBytes }) => (copiedRssBytes > 0 ? formatBytes(copiedRssBytes) : '-'),
  },
  { title: 'SPAWNER', width: 23, align: 'left', cell: spawnerText },
];

function spawnerText({ comm, pid }: Advice): string {
  return `${printable(comm)}${pid === undefined ? '' : ` (${pid})`}`;
}

export function adviceText({ aforkCostNs, observedNs, advice, eventsLost }: Findings, top: number): string {
  const period = observedNs === undefined ? 'since the collector started' : `in ${formatDuration(observedNs)}`;
  const cost = `afork costs ${formatDuration(aforkCostNs)} here (median of ${CALIBRATION_SPAWNS})`;
  const hidden = advice.length - top;
  const lines = [
    `${cost}; stall beyond that cost, of spawns whose child called exec, ${period}:`,
    ...(advice.length === 0 ? ['none'] : [`${tableHeader(COLUMNS)} WHY, AND WHAT TO DO`]),
    ...advice
      .slice(0, top)
      .map((each) => `${tableLine(COLUMNS, each)} ${printable(each.why)} -> ${printable(each.remedy)}`),
    ...(hidden > 0 ? [`${formatCount(hidden)} smaller ones are not shown; use --top to see more`] : []),
    ...(eventsLost > 0 ? [`${formatCount(eventsLost)} events were lost: some spawners may lack advice`] : []),
  ];
  return `${lines.join('\n')}\n`;
}
