/** Advice for a person and for programs. */
import { formatBytes, formatCount, formatDuration } from '../terminal/format.ts';
import { tableHeader, tableLine, type Column } from '../terminal/table.ts';
import { printable } from '../terminal/text.ts';
import { record } from '../relaunch/report/run-json.ts';
import { CALIBRATION_SPAWNS } from './calibrate.ts';
import type { Advice } from './rank.ts';

export interface Findings {
  readonly aforkCostNs: number;
  /** Undefined: since the collector began. */
  readonly observedNs: number | undefined;
  readonly advice: readonly Advice[];
  readonly eventsLost: number;
}

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
  const period = observedNs === undefined ? 'since the collector began' : `in ${formatDuration(observedNs)}`;
  const cost = `afork costs ${formatDuration(aforkCostNs)} here (median of ${CALIBRATION_SPAWNS})`;
  const hidden = advice.length - top;
  const lines = [
    `${cost}; stalls beyond that, of spawns whose child went on to exec, ${period}:`,
    ...(advice.length === 0 ? ['none'] : [`${tableHeader(COLUMNS)} WHY, AND WHAT TO DO`]),
    ...advice
      .slice(0, top)
      .map((each) => `${tableLine(COLUMNS, each)} ${printable(each.why)} -> ${printable(each.remedy)}`),
    ...(hidden > 0 ? [`${formatCount(hidden)} smaller ones are not shown; --top shows more`] : []),
    ...(eventsLost > 0 ? [`${formatCount(eventsLost)} events were lost: some spawners could not be looked at`] : []),
  ];
  return `${lines.join('\n')}\n`;
}

export function adviceJson({ aforkCostNs, observedNs, advice, eventsLost }: Findings): object {
  return {
    ...record('advice'),
    afork_cost_ns: aforkCostNs,
    ...(observedNs !== undefined && { observed_ns: Math.round(observedNs) }),
    events_lost: eventsLost,
    spawners: advice.map(spawnerJson),
  };
}

function spawnerJson(advice: Advice): object {
  const { comm, pid, executable, mechanism, spawns, choice, why, remedy } = advice;
  return {
    comm,
    pid,
    executable,
    mechanism,
    spawns,
    avoidable_ns: Math.round(advice.avoidableNs),
    mean_stall_ns: Math.round(advice.stallNs),
    mean_copied_rss_bytes: Math.round(advice.copiedRssBytes),
    ...(choice && { via: choice.via, reason: choice.reason, runtime: choice.runtime?.name }),
    why,
    remedy,
  };
}
