/** Writes the parts of the two text formats: Prometheus 0.0.4 and OpenMetrics 1.0.0. */
import type { Descriptor } from './descriptors.ts';

export type Format = 'text' | 'openmetrics';

/** Prometheus 3 requires these content types; older versions ignore them. */
export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** Writes `name="value"`. */
export function label(name: string, value: string): string {
  return `${name}="${/[\\"\n]/.test(value) ? escapeValue(value) : value}"`;
}

/** Writes the lines before the samples of a metric. Here, OpenMetrics names a counter without `_total`. */
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
 * Writes a histogram bound as Go's `strconv.FormatFloat(bound, 'g', -1, 64)` does, with `.0` if it would look like an
 * integer. Prometheus 3 rewrites `le` to this form, so a series has the same name in every version.
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
