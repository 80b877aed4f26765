/** Draws the buckets of a histogram over time. */
import { drawChart, HIDDEN_LINE, LABEL, MARGIN, marksAt, scrapesOf, type Box } from './chart.ts';
import type { DashboardData, PanelData } from './data.ts';
import { FAINT, HEAT } from './palette.ts';
import { optionsOf } from './settings.ts';
import { format } from './units.ts';

interface Row {
  readonly bound: number;
  readonly rates: ReadonlyMap<number, number>;
}

/** Rates below this are rounding errors of differences. */
const NOTHING = 1e-9;

export function heatmap({ panel, targets }: PanelData, { span, marks }: DashboardData, box: Box): string {
  const [data] = targets;
  const rows = usedRows(
    ownRates((data?.lines ?? []).map(({ metric, points }) => ({ bound: boundOf(metric), rates: new Map(points) }))),
  );
  const { axis, indexOf } = scrapesOf(span);
  const cells = rows.flatMap(({ rates }, row) =>
    Array.from(rates, ([at, rate]) => [indexOf(at), row, Math.sqrt(rate)]).filter(
      ([, , root = 0]) => root * root > NOTHING,
    ),
  );
  const dots = (data?.exemplars ?? [])
    .filter(({ seconds }) => seconds >= span.fromSeconds && seconds <= span.toSeconds)
    .map(({ seconds, value }) => [indexOf(seconds), rows.findIndex(({ bound }) => value <= bound)])
    .filter(([, row = -1]) => row >= 0);
  const unit = optionsOf(panel).yAxis?.unit;
  return drawChart(
    {
      grid: MARGIN,
      xAxis: axis,
      yAxis: { type: 'category', data: rows.map(({ bound }) => format(bound, unit)), axisLabel: LABEL, ...HIDDEN_LINE },
      visualMap: {
        show: false,
        min: 0,
        max: Math.max(...cells.map(([, , root = 0]) => root), NOTHING),
        inRange: { color: [...HEAT] },
        seriesIndex: 0,
      },
      series: [
        {
          type: 'heatmap',
          data: cells,
          itemStyle: { borderColor: 'white', borderWidth: 0.5 },
          markLine: marksAt(marks, indexOf),
        },
        { type: 'scatter', data: dots, symbolSize: 5, itemStyle: { color: 'white', borderColor: FAINT } },
      ],
    },
    box,
  );
}

const boundOf = (labels: Readonly<Record<string, string>>): number => Number(labels['le']?.replace('+Inf', 'Infinity'));

/** Gives the rate of each bucket alone. Buckets of Prometheus are cumulative. */
function ownRates(cumulative: readonly Row[]): Row[] {
  const rows = cumulative.toSorted((a, b) => a.bound - b.bound);
  return rows.map(({ bound, rates }, index) => {
    const below = rows[index - 1]?.rates;
    return { bound, rates: new Map(Array.from(rates, ([at, rate]) => [at, rate - (below?.get(at) ?? 0)])) };
  });
}

/** Gives the rows from the first to the last that is not empty. */
function usedRows(rows: readonly Row[]): Row[] {
  const used = ({ rates }: Row) => [...rates.values()].some((rate) => rate > NOTHING);
  return rows.slice(Math.max(rows.findIndex(used), 0), rows.findLastIndex(used) + 1);
}
