/** The folded tree, for a person. */
import { formatBytes, formatCount, formatDuration } from '../terminal/format.ts';
import type { Output } from '../terminal/output.ts';
import { fitColumns, tableHeader, tableLine, totalWidth, type Column } from '../terminal/table.ts';
import { cutEnd, printable } from '../terminal/text.ts';
import { joinWords } from '../terminal/words.ts';
import { hottest, sum, type FoldedProcess } from './fold.ts';

export interface TreeView {
  /** Lines of groups with a smaller share of the stall are left out: 0.01 is one percent. */
  readonly minShare: number;
  readonly depth: number;
}

export interface TreeColumn extends Column<FoldedProcess> {
  readonly meaning: string;
}

/** Characters for the names of processes, below which columns are dropped. */
const LEAST_NAME_WIDTH = 24;

const mean = (values: readonly (number | undefined)[]): number | undefined => {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : known.reduce((total, value) => total + value, 0) / known.length;
};
const duration = (ns: number | undefined): string => (ns === undefined ? '-' : formatDuration(ns));

export const TREE_COLUMNS: readonly TreeColumn[] = [
  {
    title: 'STALL',
    meaning: 'how long parents stood still to make these processes and all below them',
    width: 6,
    align: 'right',
    cell: ({ total }) => duration(total.stallNs),
  },
  {
    title: 'PROCS',
    meaning: 'how many processes that is',
    width: 7,
    align: 'right',
    cell: ({ total }) => formatCount(total.processes),
  },
  {
    title: 'BIRTH',
    meaning: 'how long a parent stood still for one of the processes of this line, on average',
    width: 6,
    align: 'right',
    cell: ({ members }) => duration(mean(members.map(({ spawn }) => spawn?.stallNs))),
  },
  {
    title: 'COPIED',
    meaning: 'resident memory that was copied to make these processes and all below them',
    width: 7,
    align: 'right',
    cell: ({ total }) => (total.copiedRssBytes > 0 ? formatBytes(total.copiedRssBytes) : '-'),
    dropOrder: 3,
  },
  {
    title: 'DELAY',
    meaning: 'exec delay: time from the start of a process to its exec, on average',
    width: 6,
    align: 'right',
    cell: ({ members }) => duration(mean(members.map(({ exec }) => exec?.delayNs))),
    dropOrder: 2,
  },
  {
    title: 'LIFE',
    meaning: 'time from the start of a process to its exit, on average',
    width: 6,
    align: 'right',
    cell: ({ members }) => duration(mean(members.map(({ exit }) => exit?.lifetimeNs))),
  },
  {
    title: 'EXIT',
    meaning:
      'exit status, or 128 + signal, of all processes of the line; several are counted: 1×3 is three of status 1',
    width: 6,
    align: 'left',
    cell: ({ members }) => exitText(members.map(({ exit }) => exit?.status)),
    dropOrder: 1,
  },
];

function exitText(statuses: readonly (number | undefined)[]): string {
  const failed = statuses.filter((status) => status !== undefined && status !== 0);
  if (failed.length === 0) return statuses.every((status) => status === 0) ? '0' : '-';
  const [first] = failed;
  if (failed.some((status) => status !== first)) return `≠0×${failed.length}`;
  return statuses.length === 1 ? `${first}` : `${first}×${failed.length}`;
}

/** The table: a line for each group, indented below its parent. */
export function treeText(groups: readonly FoldedProcess[], { minShare, depth }: TreeView, output: Output): string {
  const columns = fitColumns(TREE_COLUMNS, LEAST_NAME_WIDTH, output.width);
  const width = totalWidth(columns);
  const leastNs = minShare * sum(groups.map(({ total }) => total)).stallNs;
  const lines = [output.style('bold', `${tableHeader(columns)} PROCESS`)];
  const room = Math.max(16, output.width - width);
  const add = (each: readonly FoldedProcess[], level: number): void => {
    const indent = '  '.repeat(level);
    const shown = level < depth ? each.filter(({ total }) => total.stallNs >= leastNs) : [];
    for (const group of shown) {
      lines.push(`${tableLine(columns, group)} ${cutEnd(`${indent}${nameText(group)}`, room)}`);
      add(group.children, level + 1);
    }
    const hidden = sum(each.filter((group) => !shown.includes(group)).map(({ total }) => total));
    if (hidden.processes > 0) lines.push(`${' '.repeat(width)}${indent}${hiddenText(hidden)}`);
  };
  add(groups, 0);
  return `${lines.join('\n')}\n`;
}

function nameText({ name, members, rest }: FoldedProcess): string {
  const counted = members.length > 1 ? `${name} ×${formatCount(members.length)}` : name;
  return printable([counted, rest && joinWords(rest.words), rest?.isOpen && '…'].filter(Boolean).join(' '));
}

const hiddenText = ({ processes, stallNs }: { processes: number; stallNs: number }): string =>
  `… ${formatCount(processes)} more, ${formatDuration(stallNs)}`;

/** One sentence: what all of it cost, and where most of that went. */
export function headline(what: string, groups: readonly FoldedProcess[]): string {
  const all = sum(groups.map(({ total }) => total));
  const counted = `${printable(what)}: ${formatCount(all.processes)} processes`;
  const failed = all.failures > 0 ? `, ${formatCount(all.failures)} failed spawns` : '';
  if (all.processes === 0) return `${counted}${failed}`;
  const stalled = `${counted}${failed}, parents stood still for ${formatDuration(all.stallNs)}`;
  const hot = hottest(groups);
  if (!hot) return stalled;
  const { group, path } = hot;
  const under = path.at(-1);
  const births = group.own.processes === 1 ? 'the start of' : `${formatCount(group.own.processes)} starts of`;
  const where = under === undefined ? '' : ` under ${printable(under)}`;
  return `${stalled}, of it ${formatDuration(group.own.stallNs)} for ${births} ${printable(group.name)}${where}`;
}
