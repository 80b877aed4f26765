/** The two ways in which metrics are asked for: by a dashboard with its variables, and by rules. */
import { queriesOf } from './query.ts';

export const FROM_VARIABLES = ['job=~"$job"', 'instance=~"$instance"'];

/** Of the collectors and spawners chosen. */
export const fleet = queriesOf({
  matchers: FROM_VARIABLES,
  commMatchers: ['comm=~"$comm"'],
  range: '$__rate_interval',
});

/** Of one spawner. Not a pattern: a variable with one value is not escaped, and `(other)` would match `other`. */
export const oneSpawner = queriesOf({
  matchers: FROM_VARIABLES,
  commMatchers: ['comm="$comm"'],
  range: '$__rate_interval',
});

/** Of the collectors chosen, over the whole time shown. */
export const wholeRange = queriesOf({ matchers: FROM_VARIABLES, commMatchers: [], range: '$__range' });

/** Of everything that a Prometheus scrapes. */
export const everything = queriesOf({ matchers: [], commMatchers: [], range: '5m' });
