/** Draws a dashboard as one page, in its own grid. */
import type { Box } from './chart.ts';
import type { DashboardData, PanelData } from './data.ts';
import { graph } from './graph.ts';
import { heatmap } from './heatmap.ts';
import { escape } from './html.ts';
import { stat } from './stat.ts';
import { table } from './table.ts';
import { timeline } from './timeline.ts';

const WIDTH = 1440;
const TOP = 74;
const GAP = 8;
const CELL = { width: (WIDTH - GAP) / 24, height: 36 };
const TITLE_HEIGHT = 28;
const LEGEND_HEIGHT = 20;

const STYLE = `
  * { box-sizing: border-box; margin: 0; }
  body { width: ${WIDTH}px; background: #f3f4f6; color: #24292f; font: 13px/1.3 'DejaVu Sans', sans-serif; position: relative; }
  header { padding: 12px 16px; } h1 { font-size: 19px; font-weight: 600; } header p { color: #6b7480; font-size: 12px; margin-top: 4px; }
  section { position: absolute; background: white; border: 1px solid #e1e4e8; border-radius: 4px; overflow: hidden; }
  h2 { font-size: 12.5px; font-weight: 600; padding: 7px 10px 0; white-space: nowrap; }
  h3 { position: absolute; font-size: 13.5px; font-weight: 600; padding: 8px 4px; color: #424a53; }
  svg { display: block; } .spark { position: absolute; left: 0; bottom: 0; }
  .stat { position: absolute; inset: 26px 0 0 0; display: flex; align-items: center; justify-content: center; gap: 36px; font-size: 30px; font-weight: 600; }
  .stat em { font-size: 16px; font-weight: 400; font-style: normal; color: #6b7480; }
  .stat small { display: block; font-size: 12px; font-weight: 400; color: #6b7480; }
  .legend { display: flex; gap: 14px; padding: 0 10px; font-size: 11px; color: #6b7480; white-space: nowrap; overflow: hidden; }
  .legend i { display: inline-block; width: 12px; height: 4px; border-radius: 2px; margin-right: 5px; vertical-align: middle; } .legend b { font-weight: 600; }
  table { width: 100%; border-collapse: collapse; font-size: 12px; margin-top: 6px; }
  th, td { text-align: right; padding: 5px 10px; border-bottom: 1px solid #eef0f2; white-space: nowrap; } th { color: #6b7480; font-weight: 500; }
  th.key, td.key { text-align: left; } td.key:first-child { color: #2f74d0; }`;

export interface Page extends Box {
  readonly html: string;
}

/** `about` says how the data was collected. */
export function page(data: DashboardData, about: string): Page {
  const { dashboard } = data;
  // Panels in folded rows are not shown.
  const shown = data.panels.filter(({ panel }) => dashboard.panels.some(({ id }) => id === panel.id));
  const rows = dashboard.panels.filter(({ type, panels }) => type === 'row' && !panels?.length);
  const bottom = Math.max(...shown.map(({ panel }) => (panel.gridPos?.y ?? 0) + (panel.gridPos?.h ?? 0)));
  const height = TOP + bottom * CELL.height + GAP;
  const chosen = data.variables.comm === '.+' ? '' : `, spawner ${data.variables.comm}`;
  const html = `<!doctype html><meta charset="utf-8"><style>${STYLE} body { height: ${height}px; }</style>
<header><h1>${escape(dashboard.title)}${escape(chosen)}</h1><p>${escape(about)}</p></header>
${rows.map(({ title, gridPos }) => `<h3 style="left:${GAP}px;top:${TOP + (gridPos?.y ?? 0) * CELL.height}px">${escape(title ?? '')}</h3>`).join('\n')}
${shown.map((one) => section(one, data)).join('\n')}`;
  return { html, width: WIDTH, height };
}

function section(data: PanelData, all: DashboardData): string {
  const { x, y, w, h } = data.panel.gridPos ?? { x: 0, y: 0, w: 0, h: 0 };
  const box = { width: w * CELL.width - GAP, height: h * CELL.height - GAP };
  const style = `left:${GAP + x * CELL.width}px;top:${TOP + y * CELL.height}px;width:${box.width}px;height:${box.height}px`;
  return `<section style="${style}"><h2>${escape(data.panel.title ?? '')}</h2>${content(data, all, box)}</section>`;
}

function content(data: PanelData, all: DashboardData, box: Box): string {
  const inner = { width: box.width - 2, height: box.height - TITLE_HEIGHT };
  const withLegend = { ...inner, height: inner.height - LEGEND_HEIGHT };
  switch (data.panel.type) {
    case 'timeseries':
      return graph(data, all, withLegend);
    case 'heatmap':
      return heatmap(data, all, inner);
    case 'stat':
      return stat(data, inner);
    case 'table':
      return table(data);
    case 'state-timeline':
      return timeline(data, all, withLegend);
    default:
      throw new Error(`no drawing of ${data.panel.type}`);
  }
}
