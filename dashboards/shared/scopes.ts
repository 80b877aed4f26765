/** The scopes of queries: those of dashboards, with their variables, and that of rules. */
import { queriesOf } from './query.ts';

export const FROM_VARIABLES = ['job=~"$job"', 'instance=~"$instance"'];

/** The chosen collectors and spawners. */
export const fleet = queriesOf({
  matchers: FROM_VARIABLES,
  commMatchers: ['comm=~"$comm"'],
  range: '$__rate_interval',
});

/** One spawner. This is not a pattern, because a variable with one value is not escaped, and `(other)` would match `other`. */
export const oneSpawner = queriesOf({
  matchers: FROM_VARIABLES,
  commMatchers: ['comm="$comm"'],
  range: '$__rate_interval',
});

/** The chosen collectors, over the whole time shown. */
export const wholeRange = queriesOf({ matchers: FROM_VARIABLES, commMatchers: [], range: '$__range' });

/** Everything that a Prometheus scrapes. */
export const everything = queriesOf({ matchers: [], commMatchers: [], range: '5m' });
