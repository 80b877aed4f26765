/** Rules for one panel. */
import * as units from '@grafana/grafana-foundation-sdk/units';
import type { Panel } from './model.ts';

type Check = (panel: Panel) => Iterable<string>;

const UNITS: ReadonlySet<unknown> = new Set(Object.values(units));

export const PANEL_RULES: Readonly<Record<string, Check>> = {
  *'panel-datasource-rule'({ datasource }) {
    if (datasource?.uid !== '${datasource}') yield `its data source is ${datasource?.uid}, not the variable`;
  },
  *'panel-title-description-rule'({ title, description }) {
    if (!title) yield 'no title';
    if (!description) yield 'no description';
  },
  *'panel-units-rule'({ fieldConfig }) {
    const unit = fieldConfig?.defaults?.unit;
    if (!UNITS.has(unit)) yield `no unit that Grafana has: ${unit}`;
  },
  *'panel-no-targets-rule'({ targets }) {
    if (!targets?.length) yield 'no query';
  },
};
