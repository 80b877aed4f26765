/** A panel of the observations of a histogram, by time and size. */
import {
  CellValuesBuilder,
  HeatmapColorMode,
  HeatmapColorOptionsBuilder,
  HeatmapColorScale,
  HeatmapTooltipBuilder,
  PanelBuilder,
  YAxisConfigBuilder,
} from '@grafana/grafana-foundation-sdk/heatmap';
import { TooltipDisplayMode } from '@grafana/grafana-foundation-sdk/common';
import type { Described } from './graph.ts';
import { DATASOURCE, heatmapTarget } from './target.ts';

interface HeatmapOptions extends Described {
  /** The rates of buckets, by `le`. */
  readonly expr: string;
  /** Whether exemplars of single observations are shown as dots. */
  readonly exemplars?: boolean;
  readonly height?: number;
}

export function heatmap({
  title,
  description,
  unit,
  width,
  expr,
  exemplars = false,
  height = 9,
}: HeatmapOptions): PanelBuilder {
  return new PanelBuilder()
    .title(title)
    .description(description)
    .unit('cps')
    .span(width)
    .height(height)
    .datasource(DATASOURCE)
    .targets([heatmapTarget(expr, exemplars)])
    .calculate(false)
    .color(
      new HeatmapColorOptionsBuilder()
        .mode(HeatmapColorMode.Scheme)
        .scheme('Oranges')
        .scale(HeatmapColorScale.Exponential)
        .exponent(0.5)
        .steps(64),
    )
    .yAxis(new YAxisConfigBuilder().unit(unit))
    .cellGap(1)
    .cellValues(new CellValuesBuilder().unit('cps'))
    .tooltip(new HeatmapTooltipBuilder().mode(TooltipDisplayMode.Single).yHistogram(true))
    .exemplarsColor('rgba(31, 120, 193, 0.9)');
}
