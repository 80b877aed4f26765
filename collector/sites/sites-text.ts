/** Call sites for a person: the costliest first, each with its frames from the spawning call outwards. */
import { NO_STACK, sumOfSites, type CallSite, type SiteCosts } from '../model/call-sites.ts';
import { frameName, framePlace, interestingFrames, STACK_ENDS, type Frame } from '../model/frames.ts';
import { formatBytes, formatCount, formatDuration } from '../terminal/format.ts';
import type { Output } from '../terminal/output.ts';
import { fitColumns, tableHeader, tableLine, totalWidth, type Column } from '../terminal/table.ts';
import { cutEnd, printable } from '../terminal/text.ts';
import type { Collected } from '../profile/collect.ts';

export interface SitesView {
  /** Shows at most so many sites, and so many frames of each. */
  readonly top: number;
  readonly frames: number;
}

interface SiteColumn extends Column<SiteCosts> {
  readonly meaning: string;
}

const LEAST_SITE_WIDTH = 30;

export const SITE_COLUMNS: readonly SiteColumn[] = [
  {
    title: 'STALL',
    meaning: 'how long callers stood still in these spawns',
    width: 6,
    align: 'right',
    cell: ({ stallNs }) => (stallNs > 0 ? formatDuration(stallNs) : '-'),
  },
  {
    title: 'SPAWNS',
    meaning: 'how many spawns that were',
    width: 7,
    align: 'right',
    cell: ({ spawns }) => formatCount(spawns),
  },
  {
    title: 'AVOID',
    meaning: 'the part of the stall that afork would have saved',
    width: 6,
    align: 'right',
    cell: ({ avoidableNs }) => (avoidableNs > 0 ? formatDuration(avoidableNs) : '-'),
    dropOrder: 1,
  },
  {
    title: 'COPIED',
    meaning: 'resident memory that was copied',
    width: 7,
    align: 'right',
    cell: ({ copiedBytes }) => (copiedBytes > 0 ? formatBytes(copiedBytes) : '-'),
    dropOrder: 2,
  },
  {
    title: 'FAILED',
    meaning: 'how many calls failed: they are not among the spawns',
    width: 6,
    align: 'right',
    cell: ({ failures }) => (failures > 0 ? formatCount(failures) : '-'),
    dropOrder: 3,
  },
];

export function sitesText(sites: readonly CallSite[], { top, frames }: SitesView, output: Output): string {
  const columns = fitColumns(SITE_COLUMNS, LEAST_SITE_WIDTH, output.width);
  const indent = totalWidth(columns);
  const room = Math.max(16, output.width - indent);
  const lines = [output.style('bold', `${tableHeader(columns)} CALL SITE`)];
  for (const site of sites.slice(0, top)) {
    const [first = '', ...rest] = siteLines(site, frames);
    lines.push(`${tableLine(columns, site)} ${cutEnd(first, room)}`);
    for (const line of rest) lines.push(`${' '.repeat(indent)}${cutEnd(line, room)}`);
  }
  const hidden = sumOfSites(sites.slice(top));
  if (sites.length > top) {
    const count = sites.length - top;
    lines.push(`${tableLine(columns, hidden)} … ${counted(count, 'more site')}`);
  }
  return `${lines.join('\n')}\n`;
}

function siteLines(site: CallSite, most: number): string[] {
  const { comm, frames, end } = site;
  const shown = interestingFrames(frames);
  // A line that says that one more is left out would take the place of that one.
  const lines = shown
    .slice(0, shown.length === most + 1 ? most + 1 : most)
    .map((frame, index) => `${index === 0 ? '' : '← '}${frameText(frame)}`);
  const left = shown.length - lines.length;
  if (left > 0) lines.push(`← … ${counted(left, 'more frame')}`);
  if (end !== 'complete') lines.push(`${lines.length === 0 ? '' : '← '}[${endText(end)}]`);
  const [first = '[no frames]', ...rest] = lines;
  return [`${printable(comm)}: ${first}`, ...rest.map((line) => `  ${line}`)];
}

const endText = (end: Exclude<CallSite['end'], 'complete'>): string =>
  end in NO_STACK ? NO_STACK[end as keyof typeof NO_STACK] : STACK_ENDS[end as keyof typeof STACK_ENDS];

function frameText(frame: Frame): string {
  const place = framePlace(frame);
  const inlined = frame.inlined ? ' (inlined)' : '';
  return printable(place === '' ? frameName(frame) : `${frameName(frame)}  ${place}${inlined}`);
}

/** Sentences about the whole, and about what the stacks do not show. */
export function sitesSummary({ sites, losses, eventsLost, scriptsLost }: Collected, perSecond: number): string[] {
  const all = sumOfSites(sites);
  const known = sites.filter(({ frames }) => frames.length > 0);
  const unsampled = sumOfSites(sites.filter(({ end }) => end === 'not-sampled'));
  const incomplete = sumOfSites(known.filter(({ end }) => end !== 'complete'));
  const failed = all.failures > 0 ? `, ${counted(all.failures, 'failed call')}` : '';
  const says = [
    `${counted(all.spawns, 'spawn')}${failed}, callers stood still for ${formatDuration(all.stallNs)}; ` +
      counted(known.length, 'call stack'),
  ];
  const calls = unsampled.spawns + unsampled.failures;
  if (calls > 0)
    says.push(
      `${formatCount(calls)} of them have no stack (${formatDuration(unsampled.stallNs)}): ${reasons(losses, perSecond)}. ` +
        'They are counted in the line that says so, so the other lines show less than there was',
    );
  const partial = incomplete.spawns + incomplete.failures;
  if (partial > 0) says.push(`${counted(partial, 'call')} without a complete stack; a line ends with the reason`);
  if (scriptsLost > 0) says.push(`${counted(scriptsLost, 'call site')} of scripts found no room or could not be read`);
  if (eventsLost > 0) says.push(`${formatCount(eventsLost)} events were lost, so spawns are missing`);
  return says;
}

const counted = (count: number, what: string): string => `${formatCount(count)} ${what}${count === 1 ? '' : 's'}`;

function reasons({ overLimit, ringFull, unreadable }: Collected['losses'], perSecond: number): string {
  const found = [
    ...(overLimit > 0
      ? [`${formatCount(overLimit)} were more than ${perSecond} in a second (--stacks-per-second)`]
      : []),
    ...(ringFull > 0 ? [`${formatCount(ringFull)} found no room in the buffer`] : []),
    ...(unreadable > 0 ? [`${formatCount(unreadable)} could not be read`] : []),
  ];
  return found.length > 0 ? found.join(', ') : 'their calls began before the probes were ready';
}
