/** The exporter's own process, by prom-client; rendered by us, because a registry of its knows one format only. */
import { collectDefaultMetrics, Registry } from 'prom-client';
import { formatBound, header, label, sample, type Format } from './text.ts';

/** What an operator asks about. Left out: gauges named `_total` and names with a type in them, which promtool refuses. */
const KEPT = /^(process_|nodejs_(eventloop_lag_|heap_size_|external_memory_bytes|gc_duration_seconds|version_info))/;

/** An exporter at rest should rest: neither 100 wake-ups a second to measure delays, nor ten to measure utilization. */
const QUIET = { eventLoopMonitoringPrecision: 100, eventLoopUtilizationTimeout: 2 ** 31 - 1 };

export function createProcessMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, ...QUIET });
  for (const { name } of registry.getMetricsAsArray()) {
    if (!KEPT.test(name)) registry.removeSingleMetric(name);
  }
  return registry;
}

export async function renderProcessMetrics(registry: Registry, format: Format): Promise<string> {
  const metrics = await registry.getMetricsAsJSON();
  return metrics.map((metric) => renderMetric(metric, format)).join('');
}

type MetricJson = Awaited<ReturnType<Registry['getMetricsAsJSON']>>[number];

function renderMetric({ name, help, type, values }: MetricJson, format: Format): string {
  if (type === 'summary' || values.length === 0) return '';
  const lines = values.map((value) => sample(nameOf(name, value), labelsOf(value.labels), value.value));
  return header({ name, help, kind: type, labels: [] }, format) + lines.join('');
}

/** Samples of a histogram are named one by one, which the types do not say. */
function nameOf(name: string, value: object): string {
  return 'metricName' in value && typeof value.metricName === 'string' ? value.metricName : name;
}

function labelsOf(labels: Partial<Record<string, string | number>>): string {
  return Object.entries(labels)
    .map(([name, value]) =>
      label(name, name === 'le' && typeof value === 'number' ? formatBound(value) : String(value)),
    )
    .join(',');
}
