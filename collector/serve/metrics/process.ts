/** Metrics of the exporter's own process from prom-client. They are rendered here, because a prom-client registry has one format only. */
import { collectDefaultMetrics, Registry } from 'prom-client';
import { formatBound, header, label, sample, type Format } from './text.ts';

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

/** Each sample of a histogram has its own name, which the types omit. */
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
