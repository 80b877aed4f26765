/** The parts of every dashboard: variables, each within the choice of those before it, links to the others, and annotations. */
import {
  AnnotationQueryBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  TimePickerBuilder,
  VariableHide,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DATASOURCE } from '../panels/target.ts';
import { fleet, PLACES } from '../shared/scopes.ts';

const TAG = 'forktax';

/** How spawners are chosen: any number, exactly one, or none, but the choice is kept for the other dashboards. */
type CommChoice = 'many' | 'one' | 'kept';

interface Frame {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
}

/** Makes a dashboard about the metrics of collectors. */
export function dashboard({ comm, ...frame }: Frame & { readonly comm: CommChoice }): DashboardBuilder {
  return framed(frame).variables(variables(comm)).annotation(restarts());
}

/** Makes a dashboard about recorded series, which belong to no single collector. */
export function recordedDashboard(frame: Frame): DashboardBuilder {
  return framed(frame).variables([
    dataSource(),
    anyOf(choice('job', 'Job', 'label_values(job:forktax_up:sum, job)')),
    anyOf(choice('comm', 'Spawner', 'label_values(job_comm_mechanism:forktax_spawns:rate5m{job=~"$job"}, comm)')),
  ]);
}

function framed({ uid, title, description }: Frame): DashboardBuilder {
  return new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags([TAG])
    .readonly()
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: 'now-1h', to: 'now' })
    .timepicker(new TimePickerBuilder())
    .refresh('30s')
    .link(others());
}

function variables(comm: CommChoice): (DatasourceVariableBuilder | QueryVariableBuilder)[] {
  return [
    dataSource(),
    anyOf(choice('job', 'Job', 'label_values(forktax_up, job)')),
    anyOf(choice('instance', 'Instance', 'label_values(forktax_up{job=~"$job"}, instance)')),
    ...PLACES.map(([label, title]) => placeVariable(label, title)),
    commVariable(comm),
  ];
}

const dataSource = () => new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus');

/** Empty, and All, unless a collector has `--label=unit`, `container` or `pod`. */
function placeVariable(label: string, title: string): QueryVariableBuilder {
  const query = `label_values(forktax_spawns_total{job=~"$job", instance=~"$instance"}, ${label})`;
  return anyOf(choice(label, title, query)).allValue('.*');
}

function commVariable(comm: CommChoice): QueryVariableBuilder {
  const query = 'label_values(forktax_spawns_total{job=~"$job", instance=~"$instance"}, comm)';
  const variable = choice('comm', 'Spawner', query);
  if (comm === 'one') return variable.multi(false).includeAll(false);
  if (comm === 'kept') variable.hide(VariableHide.HideVariable);
  return anyOf(variable);
}

/** Selects all values by default. All becomes `.+` in a query; Grafana would list every value. */
function anyOf(variable: QueryVariableBuilder): QueryVariableBuilder {
  return variable.multi(true).includeAll(true).allValue('.+').current({ selected: true, text: 'All', value: '$__all' });
}

function choice(name: string, label: string, query: string): QueryVariableBuilder {
  const variable = new QueryVariableBuilder(name)
    .label(label)
    .datasource(DATASOURCE)
    .query(query)
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged);
  // oxlint-disable-next-line unicorn/no-array-sort -- this is not an array
  return variable.sort(VariableSort.AlphabeticalCaseInsensitiveAsc);
}

/**
 * Marks restarts: counters begin again, and spawns in between were not seen. The value is the time at which the line is
 * drawn, so it does not depend on how long the collector was away.
 */
function restarts(): AnnotationQueryBuilder {
  return new AnnotationQueryBuilder()
    .name('Collector starts')
    .datasource(DATASOURCE)
    .enable(true)
    .iconColor('purple')
    .expr(`${fleet.ofCollectors(fleet.foreign('process_start_time_seconds'))} * 1000`)
    .useValueForTime(true)
    .titleFormat('forktax started')
    .textFormat('{{instance}}')
    .tagKeys('instance');
}

function others(): DashboardLinkBuilder {
  return new DashboardLinkBuilder('forktax')
    .type(DashboardLinkType.Dashboards)
    .tags([TAG])
    .includeVars(true)
    .keepTime(true);
}
