/** One number that answers one question, with its recent past behind it. */
import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  ReduceDataOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { CALM, thresholds } from './colours.ts';
import type { Described } from './graph.ts';
import { DATASOURCE, rangeTarget, type Query } from './target.ts';

export interface StatOptions extends Described {
  readonly queries: readonly Query[];
  /** Colours from a value on. Without any, the number has no colour, because none would mean anything. */
  readonly steps?: readonly (readonly [from: number | null, colour: string])[];
  readonly noValue?: string;
}

const HEIGHT = 4;

export function stat({ title, description, unit, width, queries, steps, noValue }: StatOptions): PanelBuilder {
  return new PanelBuilder()
    .title(title)
    .description(description)
    .unit(unit)
    .noValue(noValue ?? 'no data')
    .span(width)
    .height(HEIGHT)
    .datasource(DATASOURCE)
    .targets(queries.map(rangeTarget))
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('').values(false))
    .colorMode(BigValueColorMode.Value)
    .graphMode(steps ? BigValueGraphMode.None : BigValueGraphMode.Area)
    .textMode(queries.length > 1 ? BigValueTextMode.ValueAndName : BigValueTextMode.Value)
    .thresholds(thresholds(steps ?? [[null, CALM]]));
}
