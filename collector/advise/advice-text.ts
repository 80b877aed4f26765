/** The output of `forktax advise` for a person. */
import { formatBytes, formatCount, formatDuration } from '../terminal/format.ts';
import { tableHeader, tableLine, type Column } from '../terminal/table.ts';
import { cutStart, printable, wrap } from '../terminal/text.ts';
import { CALIBRATION_SPAWNS } from './calibrate.ts';
import type { Findings } from './advise.ts';
import type { Advice } from '../advice/rank.ts';

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
];

const INDENT = ' '.repeat(10);
/** So many characters of a path are shown in any case. */
const PATH_WIDTH = 12;

const addedUp = (source: Findings['source']): string =>
  `This ${source} adds up programs of one name. One that is ${source === 'recording' ? 'made' : 'started'} with ` +
  '--label=pid tells processes apart.';

export function adviceText(findings: Findings, { top, width }: { top: number; width: number }): string {
  const { source, aforkCostNs, observedNs, advice, eventsLost, label } = findings;
  const period = observedNs === undefined ? 'since the collector started' : `in ${formatDuration(observedNs)}`;
  const cost =
    source === 'recording'
      ? `afork is taken to cost ${formatDuration(aforkCostNs)}, as when this was recorded`
      : `afork costs ${formatDuration(aforkCostNs)} here (median of ${CALIBRATION_SPAWNS})`;
  const hidden = advice.length - top;
  const lines = [
    ...wrap(`${cost}. Stall beyond that cost, of spawns whose child called exec, ${period}:`, width),
    ...(advice.length === 0 ? ['none'] : [`${tableHeader(COLUMNS)} SPAWNER`]),
    ...advice.slice(0, top).flatMap((each) => spawnerLines(each, width)),
    ...(label === 'pid' ? [] : wrap(addedUp(source), width)),
    ...(hidden > 0 ? [`${formatCount(hidden)} smaller ones are not shown; use --top to see more`] : []),
    ...(eventsLost > 0 ? [`${formatCount(eventsLost)} events were lost: some spawners may lack advice`] : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** Its figures and who it is, then why, then what to do. */
function spawnerLines(advice: Advice, width: number): string[] {
  const paragraph = (text: string): string[] =>
    wrap(printable(text), width - INDENT.length).map((line) => `${INDENT}${line}`);
  const start = `${tableLine(COLUMNS, advice)} ${nameText(advice)} `;
  const { siblingWaitNs } = advice;
  const siblings =
    siblingWaitNs > 0 ? paragraph(`its other threads waited ${formatDuration(siblingWaitNs)} while it forked`) : [];
  const executable = cutStart(printable(advice.executable ?? ''), Math.max(PATH_WIDTH, width - start.length));
  return [
    `${start}${executable}`.trimEnd(),
    ...siblings,
    ...paragraph(advice.why),
    ...paragraph(`-> ${advice.remedy}`),
  ];
}

function nameText({ comm, pid, processes = 1 }: Advice): string {
  const others = processes > 1 ? ` and ${formatCount(processes - 1)} more` : '';
  return `${printable(comm)}${pid === undefined ? '' : ` (${pid}${others})`}`;
}
