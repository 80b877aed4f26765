/** Pieces of the two text formats: Prometheus 0.0.4 and OpenMetrics 1.0.0. */
import type { Descriptor } from './descriptors.ts';

export type Format = 'text' | 'openmetrics';

/** What Prometheus 3 insists on; older ones ignore it. */
export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** `name="value"` */
export function label(name: string, value: string): string {
  return `${name}="${/[\\"\n]/.test(value) ? escapeValue(value) : value}"`;
}

/** The lines before the samples of a metric. OpenMetrics names a counter without `_total` here. */
export function header(descriptor: Descriptor, format: Format): string {
  const { kind, unit, help } = descriptor;
  if (format === 'text') {
    return `# HELP ${descriptor.name} ${escapeHelp(help)}\n# TYPE ${descriptor.name} ${kind}\n`;
  }
  const family = kind === 'counter' ? descriptor.name.replace(/_total$/, '') : descriptor.name;
  const unitLine = unit ? `# UNIT ${family} ${unit}\n` : '';
  return `# HELP ${family} ${escapeValue(help)}\n# TYPE ${family} ${kind}\n${unitLine}`;
}

export function sample(name: string, labels: string, value: number): string {
  return labels ? `${name}{${labels}} ${formatValue(value)}\n` : `${name} ${formatValue(value)}\n`;
}

/**
 * The text of a histogram bound: that of Go's `strconv.FormatFloat(bound, 'g', -1, 64)`, with `.0` where it would look
 * like an integer. Prometheus 3 rewrites `le` to this, whatever the format; given in this form a series has one name in
 * every version.
 */
export function formatBound(bound: number): string {
  const [digits = '', exponentText = '0'] = bound.toExponential().split('e');
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 6) return Number.isInteger(bound) ? `${bound}.0` : String(bound);
  const sign = exponent < 0 ? '-' : '+';
  return `${digits}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

function formatValue(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

function escapeHelp(help: string): string {
  return help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapeValue(value: string): string {
  return escapeHelp(value).replaceAll('"', '\\"');
}
