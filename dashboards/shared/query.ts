/** Builds PromQL about the collector's metrics. Names and labels are types, so a query for a renamed metric does not compile. */
import { SPAWN_METRICS, type NamedSpawnMetric } from '../../collector/serve/metrics/descriptors.ts';
import type { NamedSelfMetric } from '../../collector/serve/metrics/self.ts';

type Named = NamedSpawnMetric | NamedSelfMetric;
type NameOf<Kind extends Named['kind']> = Extract<Named, { kind: Kind }>['name'];

export type Counter = NameOf<'counter'>;
type Gauge = NameOf<'gauge'>;
type Histogram = NameOf<'histogram'>;

/** The labels of a metric, and those that Prometheus adds when it scrapes. */
type LabelOf<Name extends string> = Extract<Named, { name: Name }>['labels'][number] | 'job' | 'instance';
export type Matcher<Name extends string> = `${LabelOf<Name>}${'=' | '!=' | '=~' | '!~'}"${string}"`;

/** Which series are selected, and over what time rates are taken. */
export interface Scope {
  /** Matchers for every metric. */
  readonly matchers: readonly string[];
  /** Matchers for metrics that have a comm. */
  readonly commMatchers: readonly string[];
  /** A PromQL duration. */
  readonly range: string;
}

export interface Queries {
  /** Gives the rate per second, for each value of the labels `by`. */
  rate<Name extends Counter>(name: Name, by?: readonly LabelOf<Name>[], where?: readonly Matcher<Name>[]): string;
  /** Gives the increase within the time of the scope. */
  increase<Name extends Counter>(name: Name, by?: readonly LabelOf<Name>[], where?: readonly Matcher<Name>[]): string;
  /** Gives the rate of a histogram's observations, or of their sum, per second. */
  rateOf<Name extends Histogram>(
    part: 'count' | 'sum',
    name: Name,
    by?: readonly LabelOf<Name>[],
    where?: readonly Matcher<Name>[],
  ): string;
  /** Gives the rates of the classic buckets. Empty where the histogram is native. */
  buckets<Name extends Histogram>(
    name: Name,
    by?: readonly (LabelOf<Name> | 'le')[],
    where?: readonly Matcher<Name>[],
  ): string;
  /** Gives the rates of the native histogram. Empty where the histogram is classic. */
  native<Name extends Histogram>(name: Name, by?: readonly LabelOf<Name>[], where?: readonly Matcher<Name>[]): string;
  /** Gives either of them, for a heat map. */
  heatmap(name: Histogram): string;
  quantile<Name extends Histogram>(
    quantile: number,
    name: Name,
    by?: readonly LabelOf<Name>[],
    where?: readonly Matcher<Name>[],
  ): string;
  gauge<Name extends Gauge>(name: Name, where?: readonly Matcher<Name>[]): string;
  /** Gives the series as an instant vector, for arithmetic without a rate. */
  series(part: 'count' | 'bucket' | 'native', name: Histogram, where?: readonly string[]): string;
  /** Selects a series that is not forktax's own: `up`, `ALERTS`, ... */
  foreign(name: string, where?: readonly string[]): string;
  /** Restricts such a vector to collectors: every exporter has `process_cpu_seconds_total`. */
  ofCollectors(vector: string): string;
  readonly range: string;
}

/** The metrics with a comm. Those about forktax itself have none. */
const WITH_COMM = new Set(SPAWN_METRICS.filter(({ labels }) => labels.includes('comm')).map(({ name }) => name));

export function queriesOf(scope: Scope): Queries {
  const select = (name: string, metric: string, where: readonly string[] = []): string => {
    const common = WITH_COMM.has(metric) ? scope.commMatchers : [];
    return selector(name, [...scope.matchers, ...common, ...where]);
  };
  const over = (fn: string, vector: string) => `${fn}(${vector}[${scope.range}])`;
  const classic: Queries['buckets'] = (name, by = ['le'], where = []) =>
    sum(over('rate', select(`${name}_bucket`, name, where)), by);
  const native: Queries['native'] = (name, by = [], where = []) => sum(over('rate', select(name, name, where)), by);
  return {
    range: scope.range,
    rate: (name, by = [], where = []) => sum(over('rate', select(name, name, where)), by),
    increase: (name, by = [], where = []) => sum(over('increase', select(name, name, where)), by),
    rateOf(part, name, by = [], where = []) {
      const ofNative = `histogram_${part}(${over('rate', select(name, name, where))})`;
      return sum(`${over('rate', select(`${name}_${part}`, name, where))} or ${ofNative}`, by);
    },
    buckets: classic,
    native,
    heatmap: (name) => `${native(name)} or (${classic(name)} unless on () ${native(name)})`,
    quantile: (quantile, name, by = [], where = []) =>
      eitherQuantile(quantile, native(name, by, where), classic(name, ['le', ...by], where)),
    gauge: (name, where = []) => select(name, name, where),
    series: (part, name, where = []) => select(part === 'native' ? name : `${name}_${part}`, name, where),
    foreign: (name, where = []) => selector(name, [...scope.matchers, ...where]),
    ofCollectors: (vector) => `(${vector} and on (job, instance) ${select('forktax_up', 'forktax_up')})`,
  };
}

/**
 * Gives a quantile of a histogram that is native or classic, as the Prometheus that scraped it wanted. One of the two is
 * empty; if both are there, the native one is finer. Where some collectors are native and others classic, gives the former's.
 */
export function eitherQuantile(quantile: number, native: string, classic: string): string {
  return `(histogram_quantile(${quantile}, ${native}) or histogram_quantile(${quantile}, ${classic}))`;
}

function sum(vector: string, by: readonly string[]): string {
  return by.length === 0 ? `sum(${vector})` : `sum by (${by.join(', ')}) (${vector})`;
}

function selector(name: string, matchers: readonly string[]): string {
  return matchers.length === 0 ? name : `${name}{${matchers.join(', ')}}`;
}
