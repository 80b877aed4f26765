/** Rules for one panel. */
import * as units from '@grafana/grafana-foundation-sdk/units';
import type { Panel } from './model.ts';

type Check = (panel: Panel) => Iterable<string>;

const UNITS: ReadonlySet<unknown> = new Set(Object.values(units));

/** Letters of a title that find room in a column of the grid, in a window that is 1440 pixels wide. */
const LETTERS_PER_COLUMN = 7;

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
  *'own-title-width-rule'({ title = '', gridPos }) {
    const most = (gridPos?.w ?? 0) * LETTERS_PER_COLUMN;
    if (title.length > most) yield `its title has ${title.length} letters, and there is room for ${most}`;
  },
  *'panel-no-targets-rule'({ targets }) {
    if (!targets?.length) yield 'no query';
  },
};
