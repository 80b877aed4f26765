/** Metrics of the exporter's own process from prom-client, as families: a registry of its own has one format only. */
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { BucketsSample, Family, Labels, ValueSample } from './family.ts';

/** The metrics that an operator needs. Left out: gauges named `_total` and names that contain a type, which promtool refuses. */
const KEPT = /^(process_|nodejs_(eventloop_lag_|heap_size_|external_memory_bytes|gc_duration_seconds|version_info))/;

/** The defaults wake an idle exporter 100 times a second to measure delays, and ten times to measure utilization. */
const QUIET = { eventLoopMonitoringPrecision: 100, eventLoopUtilizationTimeout: 2 ** 31 - 1 };

export function createProcessMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, ...QUIET });
  for (const { name } of registry.getMetricsAsArray()) {
    if (!KEPT.test(name)) registry.removeSingleMetric(name);
  }
  return registry;
}

export async function* processFamilies(registry: Registry): AsyncGenerator<Family> {
  for (const { name, help, type, values } of await registry.getMetricsAsJSON()) {
    if (type === 'summary' || values.length === 0) continue;
    const samples = type === 'histogram' ? histogramsOf(name, values) : values.map(valueSample);
    yield { head: { name, help, kind: type }, samples };
  }
}

interface JsonValue {
  readonly labels: Partial<Record<string, string | number>>;
  readonly value: number;
  /** Each sample of a histogram has its own name, which the types omit. */
  readonly metricName?: unknown;
}

function valueSample({ labels, value }: JsonValue): ValueSample {
  return { labels: labelsOf(labels), value };
}

/** From samples one by one, in order, to one sample for each histogram. */
function histogramsOf(name: string, values: readonly JsonValue[]): BucketsSample[] {
  const byLabels = Map.groupBy(values, ({ labels: { le: _le, ...labels } }) => JSON.stringify(labels));
  return Array.from(byLabels.values(), (samples) => {
    const named = (suffix: string) => samples.filter(({ metricName }) => metricName === `${name}_${suffix}`);
    const { le: _le, ...labels } = samples[0]?.labels ?? {};
    return {
      labels: labelsOf(labels),
      buckets: named('bucket').map(
        ({ labels: { le }, value }) => [le === '+Inf' ? Infinity : Number(le), value] as const,
      ),
      sum: named('sum')[0]?.value ?? 0,
      count: named('count')[0]?.value ?? 0,
    };
  });
}

function labelsOf(labels: JsonValue['labels']): Labels {
  return Object.entries(labels).map(([name, value]) => [name, String(value)] as const);
}
