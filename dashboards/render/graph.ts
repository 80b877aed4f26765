/** Draws lines and stacked areas over time. */
import type { LineSeriesOption, ScatterSeriesOption, YAXisComponentOption } from 'echarts';
import { clock, drawChart, GRID_LINES, HIDDEN_LINE, LABEL, MARGIN, marksAt, type Box } from './chart.ts';
import type { DashboardData, PanelData } from './data.ts';
import { legend } from './legend.ts';
import { FAINT, named } from './palette.ts';
import { seriesOf, type Point, type Series } from './series.ts';
import { colourAt, fieldConfigOf } from './settings.ts';
import { format } from './units.ts';

const RIGHT_AXIS = 64;
/** A line is broken if more scrapes than this are missing. */
const SEVERAL_GAPS = 2.5;
/** With more series than this the legend has no room for values. */
const MOST_VALUES = 5;

export function graph(data: PanelData, { span, marks }: DashboardData, box: Box): string {
  const all = seriesOf(data).filter(({ points }) => points.length > 0);
  const { custom, unit } = fieldConfigOf(data.panel).defaults;
  const stacked = custom?.stacking?.mode === 'normal';
  const onRight = all.find(({ onTheRight }) => onTheRight);
  const times = timesOf(all);
  const gapSeconds = span.stepSeconds * SEVERAL_GAPS;
  const lines = all.map((one) => line(one, { stacked: stacked && !one.onTheRight, times, gapSeconds }));
  if (lines[0]) lines[0].markLine = marksAt(marks, (seconds) => seconds);
  const svg = drawChart(
    {
      grid: { ...MARGIN, right: onRight ? RIGHT_AXIS : MARGIN.right },
      xAxis: {
        type: 'value',
        min: span.fromSeconds,
        max: span.toSeconds,
        interval: Math.max(Math.ceil((span.toSeconds - span.fromSeconds) / 60 / 5), 1) * 60,
        axisLabel: { ...LABEL, formatter: clock, showMinLabel: false, showMaxLabel: false },
        splitLine: { show: false },
        ...HIDDEN_LINE,
      },
      yAxis: [valueAxis(unit, data), ...(onRight ? [valueAxis(onRight.unit, undefined)] : [])],
      series: [...lines, ...alertLine(data, all), ...all.map(exemplarDots)],
    },
    box,
  );
  return svg + legend(all.map((one) => entryOf(one, all.length <= MOST_VALUES)));
}

const entryOf = ({ name, colour, unit, points }: Series, withValue: boolean) =>
  withValue ? { name, colour, value: format(points.at(-1)?.[1] ?? NaN, unit) } : { name, colour };

function valueAxis(unit: string | undefined, data: PanelData | undefined): YAXisComponentOption {
  const { custom, max } = data ? fieldConfigOf(data.panel).defaults : {};
  const shared = { axisLabel: { ...LABEL, formatter: (value: number) => format(value, unit) }, ...HIDDEN_LINE };
  if (custom?.scaleDistribution?.type === 'log') return { type: 'log', ...shared, ...GRID_LINES };
  const splitLine = data ? GRID_LINES : { splitLine: { show: false } };
  return { type: 'value', min: 0, ...(max !== undefined && { max }), splitNumber: 4, ...shared, ...splitLine };
}

const timesOf = (all: readonly Series[]): readonly number[] =>
  [...new Set(all.flatMap(({ points }) => points.map(([at]) => at)))].toSorted((a, b) => a - b);

interface LineOptions {
  readonly stacked: boolean;
  /** The times of all series of the chart. Stacks need a value of each series at each time. */
  readonly times: readonly number[];
  readonly gapSeconds: number;
}

function line(
  { name, colour, points, onTheRight }: Series,
  { stacked, times, gapSeconds }: LineOptions,
): LineSeriesOption {
  return {
    type: 'line',
    name,
    data: stacked ? filled(points, times) : broken(points, gapSeconds),
    yAxisIndex: onTheRight ? 1 : 0,
    showSymbol: false,
    color: colour,
    lineStyle: { width: stacked ? 0.5 : 2, type: onTheRight ? 'dashed' : 'solid' },
    ...(stacked && { stack: 'all', areaStyle: { opacity: 0.75 } }),
  };
}

function filled(points: readonly Point[], times: readonly number[]): number[][] {
  const own = new Map(points);
  return times.map((at) => [at, own.get(at) ?? 0]);
}

/** A point without a value ends the line. */
function broken(points: readonly Point[], gapSeconds: number): (number | null)[][] {
  return points.flatMap(([at, value], index) => {
    const before = points[index - 1]?.[0] ?? at;
    const point = [at, value];
    return at - before > gapSeconds ? [[before, null], point] : [point];
  });
}

/** Draws the value at which an alert fires, if the chart reaches it. */
function alertLine({ panel }: PanelData, all: readonly Series[]): LineSeriesOption[] {
  const { thresholds, custom } = fieldConfigOf(panel).defaults;
  const from = thresholds?.steps.find(({ value }) => value !== null)?.value;
  const highest = Math.max(...all.flatMap(({ points }) => points.map(([, value]) => value)));
  if (custom?.thresholdsStyle?.mode !== 'dashed' || !from || from > highest) return [];
  const colour = named(colourAt(thresholds?.steps ?? [], from));
  const markLine = {
    silent: true,
    symbol: 'none',
    label: { show: false },
    lineStyle: { color: colour, type: 'dashed' as const },
    data: [{ yAxis: from }],
  };
  return [{ type: 'line', data: [], markLine }];
}

const exemplarDots = ({ exemplars }: Series): ScatterSeriesOption => ({
  type: 'scatter',
  symbolSize: 6,
  itemStyle: { color: 'white', borderColor: FAINT },
  data: exemplars.map(({ seconds, value }) => [seconds, value]),
});
