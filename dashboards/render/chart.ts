/** Code that all charts of a page share: drawing, the time axis, and marks. */
import { init, type EChartsOption } from 'echarts';
import type { Span } from '../../testing/prometheus-api.ts';
import { FAINT, GRID, named } from './palette.ts';

export interface Box {
  readonly width: number;
  readonly height: number;
}

/** The space between a chart's frame and the edges of its box, in pixels. */
export const MARGIN = { left: 76, right: 14, top: 8, bottom: 22 };

/** Draws a chart as SVG text, without a browser. */
export function drawChart(option: EChartsOption, { width, height }: Box): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  chart.setOption({ animation: false, textStyle: { fontFamily: 'DejaVu Sans, sans-serif' }, ...option });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

export const LABEL = { color: FAINT, fontSize: 11 };

export const HIDDEN_LINE = { axisLine: { show: false }, axisTick: { show: false } };

export const GRID_LINES = { splitLine: { lineStyle: { color: GRID } } };

export const clock = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(11, 16);

/** Draws lines at the times of annotations. `at` converts seconds to values of the axis. */
export function marksAt(marks: readonly number[], at: (seconds: number) => number) {
  return {
    silent: true,
    symbol: 'none',
    label: { show: false },
    lineStyle: { color: named('purple'), type: 'dashed' as const, width: 1 },
    data: marks.map((seconds) => ({ xAxis: at(seconds) })),
  };
}

/** Gives the scrapes of a span as the categories of an axis, for charts whose cells are one scrape wide. */
export function scrapesOf({ fromSeconds, toSeconds, stepSeconds }: Span) {
  const count = Math.floor((toSeconds - fromSeconds) / stepSeconds) + 1;
  const everyMinutes = Math.max(Math.ceil((toSeconds - fromSeconds) / 60 / 5), 1);
  const every = Math.max(Math.round((everyMinutes * 60) / stepSeconds), 1);
  return {
    indexOf: (seconds: number) => Math.round((seconds - fromSeconds) / stepSeconds),
    axis: {
      type: 'category' as const,
      data: Array.from({ length: count }, (_, index) => clock(fromSeconds + index * stepSeconds)),
      axisLabel: { ...LABEL, interval: every - 1 },
      ...HIDDEN_LINE,
    },
  };
}
