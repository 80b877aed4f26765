/** Draws states over time, one row for each thing. */
import { drawChart, HIDDEN_LINE, MARGIN, scrapesOf, type Box } from './chart.ts';
import type { DashboardData, PanelData } from './data.ts';
import { legend } from './legend.ts';
import { INK, named } from './palette.ts';
import { seriesOf } from './series.ts';
import { fieldConfigOf } from './settings.ts';

const NAMES_WIDTH = 130;

export function timeline(data: PanelData, { span }: DashboardData, box: Box): string {
  const states = Object.entries(fieldConfigOf(data.panel).defaults.mappings?.[0]?.options ?? {});
  const rows = seriesOf(data);
  const { axis, indexOf } = scrapesOf(span);
  const svg = drawChart(
    {
      grid: { ...MARGIN, left: NAMES_WIDTH },
      xAxis: axis,
      yAxis: {
        type: 'category',
        inverse: true,
        data: rows.map(({ name }) => name),
        axisLabel: { color: INK, fontSize: 11.5 },
        ...HIDDEN_LINE,
      },
      visualMap: {
        type: 'piecewise',
        show: false,
        pieces: states.map(([value, { color }]) => ({ value: Number(value), color: named(color) })),
      },
      series: {
        type: 'heatmap',
        itemStyle: { opacity: 0.8 },
        data: rows.flatMap(({ points }, row) => points.map(([at, value]) => [indexOf(at), row, value])),
      },
    },
    box,
  );
  return svg + legend(states.map(([, { text, color }]) => ({ name: text, colour: named(color) })));
}
