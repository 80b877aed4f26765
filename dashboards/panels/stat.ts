/** A panel with one number that answers one question. */
import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  ReduceDataOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { CALM, thresholds } from './colours.ts';
import type { Described } from './graph.ts';
import { DATASOURCE, nowTarget, rangeTarget, type Query } from './target.ts';

interface StatOptions extends Described {
  readonly queries: readonly Query[];
  /** Colours from a value on. Without steps, the number has no colour, and its recent values are drawn. */
  readonly steps?: readonly (readonly [from: number | null, colour: string])[];
  /** The text if there is no value now. */
  readonly noValue?: string;
}

const HEIGHT = 4;

export function stat({ title, description, unit, width, queries, steps, noValue }: StatOptions): PanelBuilder {
  // A range query would show an old value if there is none now.
  const now = steps !== undefined || noValue !== undefined;
  return new PanelBuilder()
    .title(title)
    .description(description)
    .unit(unit)
    .noValue(noValue ?? 'no data')
    .span(width)
    .height(HEIGHT)
    .datasource(DATASOURCE)
    .targets(queries.map(now ? nowTarget : rangeTarget))
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('').values(false))
    .colorMode(BigValueColorMode.Value)
    .graphMode(now ? BigValueGraphMode.None : BigValueGraphMode.Area)
    .textMode(queries.length > 1 ? BigValueTextMode.ValueAndName : BigValueTextMode.Value)
    .thresholds(thresholds(steps ?? [[null, CALM]]));
}
