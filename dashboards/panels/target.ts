/** A query of a panel. */
import { DataqueryBuilder, PromQueryFormat, QueryEditorMode } from '@grafana/grafana-foundation-sdk/prometheus';

/** `legend` is a name, or contains labels: `{{comm}}`. */
export interface Query {
  readonly legend: string;
  readonly expr: string;
  /** Whether exemplars of single spawns are shown as dots over the lines. */
  readonly exemplars?: boolean;
}

export const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

export function rangeTarget({ legend, expr, exemplars }: Query, index: number): DataqueryBuilder {
  const target = common(expr, index).range().legendFormat(legend);
  return exemplars ? target.exemplar(true) : target;
}

/** Asks only for the current value. */
export const nowTarget = ({ legend, expr }: Query, index: number): DataqueryBuilder =>
  common(expr, index).instant().legendFormat(legend);

/** Asks for the current values, one row for each set of labels. */
export function tableTarget(expr: string, index: number): DataqueryBuilder {
  return common(expr, index).instant().format(PromQueryFormat.Table);
}

export function heatmapTarget(expr: string, exemplars: boolean): DataqueryBuilder {
  return common(expr, 0).range().legendFormat('{{le}}').format(PromQueryFormat.Heatmap).exemplar(exemplars);
}

function common(expr: string, index: number): DataqueryBuilder {
  return new DataqueryBuilder()
    .datasource(DATASOURCE)
    .editorMode(QueryEditorMode.Code)
    .expr(expr)
    .refId(refIdOf(index));
}

/** Gives A, B, C, … */
export const refIdOf = (index: number): string => String.fromCharCode('A'.charCodeAt(0) + index);
