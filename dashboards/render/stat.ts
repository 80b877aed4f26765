/** One number, or a few. */
import type { PanelData } from './data.ts';
import { named } from './palette.ts';
import { seriesOf, type Series } from './series.ts';
import { colourAt, fieldConfigOf, optionsOf, override } from './settings.ts';
import { element, escape, linear, round, type Box } from './svg.ts';
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

function sparkline({ points }: Series, { width, height }: Box): string {
  const times = points.map(([at]) => at);
  const highest = Math.max(...points.map(([, value]) => value)) || 1;
  const x = linear(Math.min(...times), Math.max(...times), 0, width);
  const y = linear(0, highest, height, height * 0.6);
  const top = points.map(([at, value]) => `${round(x(at))},${round(y(value))}`);
  const style = { fill: '#2f74d0', 'fill-opacity': 0.12, stroke: '#2f74d0', 'stroke-opacity': 0.5 };
  const polygon = element('polygon', { points: [`0,${height}`, ...top, `${width},${height}`].join(' '), ...style });
  return element('svg', { width, height, class: 'spark' }, polygon);
}
