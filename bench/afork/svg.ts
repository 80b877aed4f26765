/** Draws the stalls: a row for each case, a dot at the median, and a line to p99, on a logarithmic scale. */
import { init, type CustomSeriesOption, type EChartsOption } from 'echarts';
import { mechanismsOf, type Side } from './cases.ts';
import { quantiles, type Result } from './results.ts';

const COLOURS: Readonly<Record<string, string>> = {
  fork: '#c62828',
  child_process: '#c62828',
  vfork: '#ef8a17',
  posix_spawn: '#a0660a',
  'vfork stand-in': '#ef8a17',
  afork_spawn: '#1565c0',
  afork: '#1565c0',
  'afork_spawn, deferred': '#4fa3f0',
  emulated_afork: '#6a3fa0',
  avfork: '#2e8b57',
  'clone(CLONE_VM)': '#888888',
};

const TITLES: Readonly<Record<Side, string>> = {
  C: 'C: the call',
  Node: 'Node: spawn() with three pipes',
};

const WIDTH = 960;
const LEFT = 190;
const RIGHT = 24;
/** The height of a case's row in pixels, for each of its mechanisms, and the space between two rows. */
const LANE = 9;
const GAP = 10;
/** The space above a chart for its title and legend, and below it for its scale, in pixels. */
const HEADER = 64;
const FOOTER = 36;

export function renderSvg(results: readonly Result[], caption: string): string {
  const shown = results.filter(({ samples }) => samples.length > 0);
  let height = 0;
  const charts = (['C', 'Node'] as const).flatMap((side, index) => {
    const rows = shown.filter(({ measured }) => measured.side === side);
    if (rows.length === 0) return [];
    const most = Math.max(...rows.map(({ measured }) => mechanismsOf(measured).length));
    const top = height + HEADER;
    const rowsHeight = rows.length * (most * LANE + GAP);
    height = top + rowsHeight + FOOTER;
    return [chartOf(rows, { side, index, top, height: rowsHeight, lanes: most })];
  });
  return draw(
    {
      title: [...charts.map(({ title }) => title), captionAt(height, caption)],
      legend: charts.map(({ legend }) => legend),
      grid: charts.map(({ grid }) => grid),
      xAxis: charts.map(({ xAxis }) => ({ ...xAxis, ...decadesAround(shown) })),
      yAxis: charts.map(({ yAxis }) => yAxis),
      series: charts.flatMap(({ series }) => series),
    },
    height + 24,
  );
}

function draw(option: EChartsOption, height: number): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  chart.setOption({ animation: false, backgroundColor: '#fff', textStyle: { fontFamily: 'sans-serif' }, ...option });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}

const captionAt = (top: number, text: string) => ({
  text,
  top,
  right: RIGHT,
  textStyle: { fontSize: 11, fontWeight: 'normal' as const, color: '#666' },
});

/** Gives whole decades around all values, in nanoseconds, because the charts have one scale. */
function decadesAround(results: readonly Result[]) {
  const values = results.flatMap((result) =>
    mechanismsOf(result.measured).flatMap((mechanism) => {
      const stall = quantiles(result, mechanism, 'stall');
      return stall ? [stall.p50, stall.p99] : [];
    }),
  );
  return {
    min: 10 ** Math.floor(Math.log10(Math.min(...values))),
    max: 10 ** Math.ceil(Math.log10(Math.max(...values))),
  };
}

interface Place {
  readonly side: Side;
  /** The index of the chart's axes and grid. */
  readonly index: number;
  readonly top: number;
  readonly height: number;
  readonly lanes: number;
}

function chartOf(results: readonly Result[], { side, index, top, height, lanes }: Place) {
  const mechanisms = [...new Set(results.flatMap(({ measured }) => mechanismsOf(measured)))];
  const place = { gridIndex: index };
  return {
    title: {
      text: `${TITLES[side]}, time the caller stands still (dot: median, line: to p99)`,
      top: top - HEADER + 8,
      left: 8,
      textStyle: { fontSize: 15 },
    },
    legend: {
      data: mechanisms,
      top: top - HEADER + 34,
      left: 8,
      icon: 'circle',
      itemWidth: 9,
      itemGap: 24,
      selectedMode: false,
    },
    grid: { left: LEFT, right: RIGHT, top, height },
    xAxis: {
      ...place,
      type: 'log' as const,
      axisLabel: { formatter: formatTime },
      splitLine: { lineStyle: { color: '#c4c8ce' } },
    },
    yAxis: {
      ...place,
      type: 'category' as const,
      inverse: true,
      data: results.map(({ measured }) => measured.name),
      axisTick: { show: false },
      splitArea: { show: true, areaStyle: { color: ['#f4f5f7', '#fff'] } },
    },
    series: mechanisms.map((mechanism) => marksOf(results, mechanism, index, lanes)),
  };
}

/** Gives the marks of one mechanism, each in its lane in the row of its case. */
function marksOf(results: readonly Result[], mechanism: string, index: number, lanes: number): CustomSeriesOption {
  const data = results.flatMap((result, row) => {
    const stall = quantiles(result, mechanism, 'stall');
    const lane = mechanismsOf(result.measured).indexOf(mechanism) - (lanes - 1) / 2;
    return stall ? [[stall.p50, row, stall.p99, lane]] : [];
  });
  const color = COLOURS[mechanism] ?? '#222';
  return {
    type: 'custom',
    name: mechanism,
    xAxisIndex: index,
    yAxisIndex: index,
    color,
    data,
    renderItem: (_, api) => {
      const [from = 0, middle = 0] = api.coord([api.value(0), api.value(1)]);
      const [to = 0] = api.coord([api.value(2), api.value(1)]);
      const y = middle + Number(api.value(3)) * LANE;
      return {
        type: 'group',
        children: [
          {
            type: 'line',
            shape: { x1: from, x2: to, y1: y, y2: y },
            style: { stroke: color, lineWidth: 2, opacity: 0.45 },
          },
          { type: 'circle', shape: { cx: from, cy: y, r: 3.6 }, style: { fill: color } },
        ],
      };
    },
  };
}

function formatTime(ns: number): string {
  if (ns >= 1e9) return `${ns / 1e9} s`;
  return ns >= 1e6 ? `${Math.round(ns / 1e6)} ms` : `${Math.round(ns / 1e3)} µs`;
}
