import type { Hook } from '../model/hooks.ts';
import { formatCount } from '../terminal/format.ts';
import type { SpawnLine } from '../model/spawn-lines.ts';
import { lostRecord, spawnRecord, summaryRecord, type Run } from './json.ts';
import type { SpawnSummary } from './summary.ts';
import type { Output } from '../terminal/output.ts';
import { summaryText } from './summary-text.ts';
import { SnoopTable, type TableOptions } from './table.ts';

/** How a run of snoop is shown. */
export interface SnoopView {
  lines(lines: readonly SpawnLine[]): void;
  /** Reports how many events were lost since the last report. */
  lost(events: number, atMs: number): void;
  summary(summary: SpawnSummary, run: Run): void;
}

export function tableView(hooks: readonly Hook[], output: Output, options?: TableOptions): SnoopView {
  const table = new SnoopTable(hooks, output, options);
  return {
    lines: (lines) => output.data(table.header() + lines.map((line) => table.line(line)).join('')),
    lost: (events) => output.talk(`lost ${formatCount(events)} events: they came faster than they could be shown\n`),
    summary: (summary, run) => output.talk(`\n${summaryText(summary, run)}`),
  };
}

export function jsonView(output: Output): SnoopView {
  return {
    lines: (lines) => output.data(lines.map((line) => ndjson(spawnRecord(line))).join('')),
    lost: (events, atMs) => output.data(ndjson(lostRecord(events, atMs))),
    summary: (summary, run) => output.data(ndjson(summaryRecord(summary, run))),
  };
}

function ndjson(record: object): string {
  return `${JSON.stringify(record)}\n`;
}
