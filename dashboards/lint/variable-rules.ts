/** Rules for a dashboard and its variables. */
import type { Dashboard, Variable } from './model.ts';
import { selectorsOf } from './promql.ts';

type Check = (dashboard: Dashboard) => Iterable<string>;

const LABEL_FUNCTION = /^(label_names|label_values|metrics|query_result)\((.+?)(?:, *\w+)?\)$/;

export const VARIABLE_RULES: Readonly<Record<string, Check>> = {
  *'uneditable-dashboard'({ editable }) {
    if (editable !== false) yield 'it can be edited';
  },
  *'template-datasource-rule'(dashboard) {
    const sources = dashboard.templating.list.filter(({ type }) => type === 'datasource');
    if (sources.length !== 1) yield `${sources.length} variables of data sources`;
    for (const { name, label, query } of sources) {
      if (name !== 'datasource' || label !== 'Data source') yield `named ${name}, labelled ${label}`;
      if (query !== 'prometheus') yield `for ${query}`;
    }
  },
  'template-job-rule': (dashboard) => anyOf(dashboard, 'job', 'Job'),
  'template-instance-rule': (dashboard) =>
    asksOnlyRecorded(dashboard) ? [] : anyOf(dashboard, 'instance', 'Instance'),
  *'template-label-promql-rule'(dashboard) {
    for (const { name, query } of queries(dashboard)) {
      const argument = LABEL_FUNCTION.exec(query ?? '')?.[2];
      try {
        selectorsOf(argument ?? '');
      } catch (error) {
        yield `${name} asks for ${query}: ${String(error)}`;
      }
    }
  },
  *'template-on-time-change-reload-rule'(dashboard) {
    for (const { name, refresh } of queries(dashboard)) {
      if (refresh !== 2) yield `${name} is not asked for again when the time range changes`;
    }
  },
};

/** Recorded series have no instance to choose. */
const asksOnlyRecorded = (dashboard: Dashboard) => queries(dashboard).every(({ query }) => query?.includes(':'));

const queries = ({ templating }: Dashboard) => templating.list.filter(({ type }) => type === 'query');

function* anyOf(dashboard: Dashboard, name: string, label: string): Generator<string> {
  const variable = dashboard.templating.list.find((one) => one.name === name);
  if (!variable) return yield `no variable ${name}`;
  const wanted: Partial<Variable> = { type: 'query', label, multi: true, allValue: '.+' };
  for (const [key, value] of Object.entries(wanted)) {
    const found = variable[key as keyof Variable];
    if (found !== value) yield `${name}: ${key} is ${JSON.stringify(found)}, not ${JSON.stringify(value)}`;
  }
  if (variable.datasource?.uid !== '${datasource}') yield `${name}: its data source is not the variable`;
}
