/** Links from a cell of a table to the dashboard that says more, for the same collectors and the same time. */
import { PLACES } from '../shared/scopes.ts';
import { UIDS } from '../shared/uids.ts';

/** Where the spawners run, as it is chosen. */
const PLACE = PLACES.map(([label]) => `&\${${label}:queryparam}`).join('');

const SAME = '${datasource:queryparam}&${job:queryparam}&${__url_time_range}';

export const toSpawner = {
  title: 'Look at ${__value.raw}',
  url: `/d/${UIDS.spawner}?var-comm=\${__value.raw:percentencode}&\${instance:queryparam}${PLACE}&${SAME}`,
};

export const toInstance = {
  title: 'This spawner on ${__value.raw} only',
  url: `/d/${UIDS.spawner}?\${comm:queryparam}&var-instance=\${__value.raw:percentencode}${PLACE}&${SAME}`,
};

export const toExporter = {
  title: 'The collector on ${__value.raw} only',
  url: `/d/${UIDS.exporter}?var-instance=\${__value.raw:percentencode}&\${comm:queryparam}&${SAME}`,
};
