/** States over time, a row each. */
import type { DashboardData, PanelData } from './data.ts';
import { MARGIN, timeAxis } from './graph.ts';
import { INK, named } from './palette.ts';
import { seriesOf } from './series.ts';
import { fieldConfigOf } from './settings.ts';
import { element, escape, linear, type Box } from './svg.ts';

const NAMES_WIDTH = 130;

export function timeline(data: PanelData, { span }: DashboardData, box: Box): string {
  const states = fieldConfigOf(data.panel).defaults.mappings?.[0]?.options ?? {};
  const rows = seriesOf(data);
  const x = linear(span.fromSeconds, span.toSeconds, NAMES_WIDTH, box.width - MARGIN.right);
  const height = (box.height - MARGIN.top - MARGIN.bottom) / (rows.length || 1);
  const width = x(span.fromSeconds + span.stepSeconds) - x(span.fromSeconds);
  const parts = rows.flatMap(({ name, points }, index) => {
    const y = MARGIN.top + index * height;
    const cells = points.map(([at, value]) =>
      element('rect', {
        x: x(at) - width,
        y: y + 2,
        width: width + 0.3,
        height: height - 4,
        fill: named(states[value]?.color ?? 'text'),
        'fill-opacity': 0.8,
      }),
    );
    const attributes = {
      x: NAMES_WIDTH - 8,
      y: y + height / 2 + 4,
      'text-anchor': 'end',
      fill: INK,
      'font-size': 11.5,
    };
    return cells.concat(element('text', attributes, escape(name)));
  });
  const legend = Object.values(states).map(
    ({ text, color }) => `<span><i style="background:${named(color)}"></i>${text}</span>`,
  );
  const svg = element(
    'svg',
    { width: box.width, height: box.height },
    parts.join('') + timeAxis({ x, box }, span.fromSeconds, span.toSeconds),
  );
  return `${svg}<div class="legend">${legend.join('')}</div>`;
}
