/** The scopes of queries: those of dashboards, with their variables, and that of rules. */
import { queriesOf } from './query.ts';

export const FROM_VARIABLES = ['job=~"$job"', 'instance=~"$instance"'];

/** Where a spawner runs. A collector that was not asked for the label has none, and is chosen by All, which is `.*`. */
export const PLACES = [
  ['unit', 'Unit'],
  ['namespace', 'Namespace'],
  ['pod', 'Pod'],
  ['container', 'Container'],
] as const;

const IN_PLACES = PLACES.map(([label]) => `${label}=~"$${label}"`);

/** The chosen collectors and spawners. */
export const fleet = queriesOf({
  matchers: FROM_VARIABLES,
  commMatchers: ['comm=~"$comm"', ...IN_PLACES],
  range: '$__rate_interval',
});

/** One spawner. This is not a pattern, because a variable with one value is not escaped, and `(other)` would match `other`. */
export const oneSpawner = queriesOf({
  matchers: FROM_VARIABLES,
  commMatchers: ['comm="$comm"', ...IN_PLACES],
  range: '$__rate_interval',
});

/** The chosen collectors, over the whole time shown. */
export const wholeRange = queriesOf({ matchers: FROM_VARIABLES, commMatchers: [], range: '$__range' });

/** Everything that a Prometheus scrapes. */
export const everything = queriesOf({ matchers: [], commMatchers: [], range: '5m' });
