/** The buckets of a histogram over time. */
import type { DashboardData, PanelData } from './data.ts';
import { MARGIN, timeAxis } from './graph.ts';
import { FAINT, heat, named } from './palette.ts';
import { element, label, linear, rule, type Box } from './svg.ts';
import { format } from './units.ts';
import { optionsOf } from './settings.ts';

interface Row {
  readonly bound: number;
  readonly rates: ReadonlyMap<number, number>;
}

export function heatmap({ panel, targets }: PanelData, { span, marks }: DashboardData, box: Box): string {
  const [data] = targets;
  const lines = data?.lines ?? [];
  const rows = usedRows(
    ownRates(
      lines.map(({ metric, points }) => ({
        bound: Number(metric['le']?.replace('+Inf', 'Infinity')),
        rates: new Map(points),
      })),
    ),
  );
  const x = linear(span.fromSeconds, span.toSeconds, MARGIN.left, box.width - MARGIN.right);
  const rowHeight = (box.height - MARGIN.top - MARGIN.bottom) / (rows.length || 1);
  const y = (index: number) => box.height - MARGIN.bottom - (index + 1) * rowHeight;
  const highest = Math.max(...rows.flatMap(({ rates }) => [...rates.values()]));
  const width = x(span.fromSeconds + span.stepSeconds) - x(span.fromSeconds);
  const cells = rows.flatMap(({ rates }, index) =>
    Array.from(rates, ([at, rate]) => {
      if (!(rate > 1e-9)) return '';
      const fill = heat(0.12 + 0.88 * Math.sqrt(rate / highest));
      return element('rect', {
        x: x(at) - width,
        y: y(index) + 0.5,
        width: Math.max(width - 0.5, 0.5),
        height: rowHeight - 1,
        fill,
      });
    }),
  );
  const { yAxis } = optionsOf(panel);
  const bounds = rows.map(({ bound }, index) => label(MARGIN.left - 6, y(index) + 4, format(bound, yAxis?.unit)));
  const shown = bounds.filter((_, index) => rowHeight > 13 || index % 2 === 0);
  const lowest = rows[0]?.bound ?? 0;
  const dots = (data?.exemplars ?? []).map(({ seconds, value }) => {
    const index = rows.findIndex(({ bound }) => value <= bound);
    if (value <= lowest / 3 || index < 0 || seconds < span.fromSeconds) return '';
    return element('circle', { cx: x(seconds), cy: y(index) + rowHeight / 2, r: 2.5, fill: 'white', stroke: FAINT });
  });
  const starts = marks.map((at) =>
    rule([x(at), MARGIN.top], [x(at), box.height - MARGIN.bottom], named('purple'), '3 3'),
  );
  const parts = [...cells, ...shown, timeAxis({ x, box }, span.fromSeconds, span.toSeconds), ...starts, ...dots];
  return element('svg', { width: box.width, height: box.height }, parts.join(''));
}

/** Buckets count what is at most their bound: each has all those before it. */
function ownRates(cumulative: readonly Row[]): Row[] {
  const rows = cumulative.toSorted((a, b) => a.bound - b.bound);
  return rows.map(({ bound, rates }, index) => {
    const below = rows[index - 1]?.rates;
    return { bound, rates: new Map(Array.from(rates, ([at, rate]) => [at, rate - (below?.get(at) ?? 0)])) };
  });
}

/** From the first to the last that has anything. */
function usedRows(rows: readonly Row[]): Row[] {
  const used = ({ rates }: Row) => [...rates.values()].some((rate) => rate > 1e-9);
  return rows.slice(Math.max(rows.findIndex(used), 0), rows.findLastIndex(used) + 1);
}
