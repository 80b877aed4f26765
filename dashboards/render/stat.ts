/** Draws one number, or a few. */
import { drawChart, type Box } from './chart.ts';
import type { PanelData } from './data.ts';
import { escape } from './html.ts';
import { named } from './palette.ts';
import { seriesOf, type Series } from './series.ts';
import { colourAt, fieldConfigOf, optionsOf, override } from './settings.ts';
import { format } from './units.ts';

export function stat(data: PanelData, box: Box): string {
  const { panel } = data;
  const series = seriesOf(data);
  if (series.every(({ points }) => points.length === 0))
    return `<div class="stat"><em>${fieldConfigOf(panel).defaults.noValue ?? ''}</em></div>`;
  const { graphMode } = optionsOf(panel);
  const spark = graphMode === 'area' && series[0] && series.length === 1 ? sparkline(series[0], box) : '';
  const numbers = series.map((one) => {
    const value = one.points.at(-1)?.[1] ?? NaN;
    const { steps } = override(panel, one.name, 'thresholds') ??
      fieldConfigOf(panel).defaults.thresholds ?? { steps: [] };
    const colour = named(override(panel, one.name, 'color')?.fixedColor ?? colourAt(steps, value));
    const name = series.length > 1 ? `<small>${escape(one.name)}</small>` : '';
    return `<span style="color:${colour}">${name}${format(value, one.unit)}</span>`;
  });
  return `${spark}<div class="stat">${numbers.join('')}</div>`;
}

/** Draws the recent values behind the lower part of the number. */
function sparkline({ points }: Series, box: Box): string {
  const hidden = { show: false, type: 'value' as const };
  const svg = drawChart(
    {
      grid: { left: 0, right: 0, bottom: 0, top: box.height * 0.6 },
      xAxis: { ...hidden, min: 'dataMin', max: 'dataMax' },
      yAxis: { ...hidden, min: 0 },
      series: {
        type: 'line',
        showSymbol: false,
        data: points.map((point) => [...point]),
        color: named('blue'),
        lineStyle: { width: 1, opacity: 0.5 },
        areaStyle: { opacity: 0.12 },
      },
    },
    box,
  );
  return `<div class="spark">${svg}</div>`;
}
