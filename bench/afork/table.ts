/** Writes the results as Markdown tables, which are also readable on a terminal. */
import { mechanismsOf, type Side } from './cases.ts';
import type { Verdict } from './aims.ts';
import { quantiles, type Result } from './results.ts';
import type { Measure } from './samples.ts';

const MEASURES: Readonly<Record<Side, Readonly<Partial<Record<Measure, string>>>>> = {
  C: { stall: 'stall', exec: 'time to exec', exit: 'spawn to exit', map: 'mmap in another thread' },
  Node: { stall: 'stall', exec: 'time to exec', exit: 'spawn to exit', loop: 'event-loop delay' },
};

export function titlesOf(side: Side): readonly [Measure, string][] {
  return Object.entries(MEASURES[side]) as [Measure, string][];
}

export function renderResults(results: readonly Result[], side: Side): string {
  const measures = titlesOf(side);
  const ofSide = results.filter(({ measured }) => measured.side === side);
  const rows = ofSide.flatMap((result) => renderCase(result, measures));
  return renderTable(['case', 'mechanism', ...measures.map(([, title]) => title), 'n'], rows);
}

function renderCase(result: Result, measures: readonly [Measure, string][]): readonly string[][] {
  const name = nameOf(result);
  if (result.skipped) return [[name, `not measured: ${result.skipped}`, ...measures.map(() => ''), '']];
  return mechanismsOf(result.measured).map((mechanism, index) =>
    [
      [index === 0 ? name : '', mechanism],
      measures.map(([measure]) => renderQuantiles(result, mechanism, measure)),
      [String(quantiles(result, mechanism, 'stall')?.count ?? 0)],
    ].flat(),
  );
}

function nameOf({ measured, residentBytes }: Result): string {
  return residentBytes ? `${measured.name} (RSS ${Math.round(residentBytes / 2 ** 20)} MB)` : measured.name;
}

function renderQuantiles(result: Result, mechanism: string, measure: Measure): string {
  const found = quantiles(result, mechanism, measure);
  return found ? [found.p50, found.p99, found.max].map(formatMs).join(' / ') : '';
}

/** Gives three significant digits, without an exponent. */
export function formatMs(ns: number): string {
  const ms = ns / 1e6;
  return ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms >= 1 ? ms.toFixed(2) : ms.toFixed(3);
}

export function renderVerdicts(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ text, aim, ratio, most, met }) => [
    text,
    aim,
    ratio.toFixed(1),
    most?.toFixed(1) ?? '',
    met ? 'met' : '**not met**',
  ]);
  return renderTable(['ratio of median stalls', 'aim', 'this run', 'possible', ''], rows);
}

function renderTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = titles.map((title, i) => Math.max(title.length, 3, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(titles), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join('\n');
}
