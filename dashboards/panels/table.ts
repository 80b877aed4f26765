/** A table with a column for each query, and a row for each set of labels. */
import { TableSortByFieldStateBuilder } from '@grafana/grafana-foundation-sdk/common';
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/table';
import type { DynamicConfigValue } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Described } from './graph.ts';
import { DATASOURCE, refIdOf, tableTarget } from './target.ts';

interface Column {
  readonly name: string;
  readonly unit: string;
  readonly expr: string;
}

interface KeyColumn {
  readonly label: string;
  readonly name: string;
  /** The target of a click. `${__value.raw}` is the cell. */
  readonly link?: { readonly title: string; readonly url: string };
}

interface TableOptions extends Omit<Described, 'unit'> {
  readonly keys: readonly KeyColumn[];
  /** The table is sorted by the first column, the greatest value on top. That column has bars in its cells. */
  readonly columns: readonly [Column, ...Column[]];
  readonly height?: number;
}

export function table({ title, description, width, keys, columns, height = 9 }: TableOptions): PanelBuilder {
  const panel = new PanelBuilder()
    .title(title)
    .description(description)
    .unit('short')
    .span(width)
    .height(height)
    .datasource(DATASOURCE)
    .targets(columns.map(({ expr }, index) => tableTarget(expr, index)))
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation({ id: 'organize', options: organize(keys, columns) })
    .sortBy([new TableSortByFieldStateBuilder().displayName(columns[0].name).desc(true)]);
  for (const key of keys) if (key.link) panel.overrideByName(key.name, [linkOf(key.link)]);
  for (const [index, { name, unit }] of columns.entries()) {
    panel.overrideByName(name, [{ id: 'unit', value: unit }, ...(index === 0 ? BAR : [])]);
  }
  return panel;
}

/** Arranges the columns that `merge` makes: Grafana names them `Value #A` for query A, and by labels. */
function organize(keys: readonly KeyColumn[], columns: readonly Column[]) {
  const from = [...keys.map(({ label }) => label), ...columns.map((_, index) => `Value #${refIdOf(index)}`)];
  const to = [...keys, ...columns].map(({ name }) => name);
  return {
    excludeByName: { Time: true },
    indexByName: Object.fromEntries(from.map((name, index) => [name, index])),
    renameByName: Object.fromEntries(from.map((name, index) => [name, to[index]])),
  };
}

const BAR: readonly DynamicConfigValue[] = [
  { id: 'custom.cellOptions', value: { type: 'gauge', mode: 'basic', valueDisplayMode: 'text' } },
  { id: 'color', value: { mode: 'fixed', fixedColor: 'orange' } },
  { id: 'min', value: 0 },
];

function linkOf(link: { readonly title: string; readonly url: string }): DynamicConfigValue {
  return { id: 'links', value: [link] };
}
