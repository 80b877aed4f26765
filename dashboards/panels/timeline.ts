/** A panel of states over time, one row for each thing. */
import { VisibilityMode, VizLegendOptionsBuilder } from '@grafana/grafana-foundation-sdk/common';
import { MappingType } from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/statetimeline';
import { thresholds } from './colours.ts';
import type { Described } from './graph.ts';
import { DATASOURCE, rangeTarget, type Query } from './target.ts';

interface TimelineOptions extends Described {
  readonly query: Query;
  readonly states: Readonly<Record<string, { readonly text: string; readonly color: string }>>;
  readonly height?: number;
}

export function timeline({
  title,
  description,
  unit,
  width,
  query,
  states,
  height = 9,
}: TimelineOptions): PanelBuilder {
  return new PanelBuilder()
    .title(title)
    .description(description)
    .unit(unit)
    .span(width)
    .height(height)
    .datasource(DATASOURCE)
    .targets([rangeTarget(query, 0)])
    .mappings([{ type: MappingType.ValueToText, options: states }])
    .thresholds(thresholds([[null, 'text']]))
    .showValue(VisibilityMode.Never)
    .rowHeight(0.8)
    .fillOpacity(80)
    .lineWidth(0)
    .mergeValues(true)
    .legend(new VizLegendOptionsBuilder().showLegend(true));
}
