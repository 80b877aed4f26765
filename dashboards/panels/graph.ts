/** A panel of values over time. */
import {
  AxisPlacement,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ScaleDistribution,
  ScaleDistributionConfigBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { ALERT, colourOf, COLOURS, thresholds } from './colours.ts';
import { DATASOURCE, rangeTarget, type Query } from './target.ts';

export interface Described {
  readonly title: string;
  readonly description: string;
  /** A unit of Grafana: packages/grafana-data/src/valueFormats/categories.ts. */
  readonly unit: string;
  /** The width in 24ths of the page. */
  readonly width: number;
}

interface GraphOptions extends Described {
  readonly queries: readonly Query[];
  readonly stacked?: boolean;
  readonly logarithmic?: boolean;
  /** The value at which an alert fires, drawn as a dashed line. */
  readonly alertAt?: number;
  readonly max?: number;
  /** The legend that has its own axis on the right, and its unit. */
  readonly onTheRight?: { readonly legend: string; readonly unit: string };
}

const HEIGHT = 8;

export function graph(options: GraphOptions): PanelBuilder {
  const panel = described(options)
    .height(HEIGHT)
    .targets(options.queries.map(rangeTarget))
    .lineWidth(options.stacked ? 0 : 2)
    .fillOpacity(options.stacked ? 70 : 8)
    .showPoints(VisibilityMode.Never)
    .legend(legend())
    .tooltip(tooltip());
  if (options.stacked) panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'));
  scale(panel, options);
  if (options.alertAt !== undefined) drawAlert(panel, options.alertAt);
  for (const { legend: name } of options.queries) paint(panel, name);
  if (options.onTheRight) placeRight(panel, options.onTheRight);
  return panel;
}

function scale(panel: PanelBuilder, { logarithmic, max }: GraphOptions): void {
  if (logarithmic) panel.scaleDistribution(new ScaleDistributionConfigBuilder().type(ScaleDistribution.Log).log(10));
  else panel.min(0);
  if (max !== undefined) panel.max(max);
}

function described({ title, description, unit, width }: Described): PanelBuilder {
  return new PanelBuilder().title(title).description(description).unit(unit).span(width).datasource(DATASOURCE);
}

function legend(): VizLegendOptionsBuilder {
  return new VizLegendOptionsBuilder()
    .displayMode(LegendDisplayMode.List)
    .placement(LegendPlacement.Bottom)
    .showLegend(true)
    .calcs(['lastNotNull']);
}

function tooltip(): VizTooltipOptionsBuilder {
  const every = new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).hideZeros(true);
  // oxlint-disable-next-line unicorn/no-array-sort -- this is not an array
  return every.sort(SortOrder.Descending);
}

function drawAlert(panel: PanelBuilder, at: number): void {
  panel
    .thresholds(
      thresholds([
        [null, 'transparent'],
        [at, ALERT],
      ]),
    )
    .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
}

/** Sets colours. A legend that is, or begins with, a label can become any name that has a colour. */
function paint(panel: PanelBuilder, legendFormat: string): void {
  const [label] = /^\{\{\w+\}\}/.exec(legendFormat) ?? [];
  for (const name of label ? (VALUES[label] ?? []) : [legendFormat]) {
    const colour = COLOURS[name];
    if (colour) panel.overrideByRegexp(`/^${name}( by .*)?$/`, [colourOf(colour)]);
  }
}

const VALUES: Readonly<Record<string, readonly string[]>> = {
  '{{mechanism}}': ['fork', 'vfork', 'afork'],
  '{{role}}': ['parent', 'child'],
};

function placeRight(panel: PanelBuilder, { legend: name, unit }: { legend: string; unit: string }): void {
  panel.overrideByName(name, [
    { id: 'custom.axisPlacement', value: AxisPlacement.Right },
    { id: 'unit', value: unit },
    { id: 'custom.fillOpacity', value: 0 },
    { id: 'custom.lineStyle', value: { fill: 'dash', dash: [6, 6] } },
  ]);
}
