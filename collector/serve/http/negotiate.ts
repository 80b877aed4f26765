/** Which format and encoding a client takes (RFC 9110, 12.4 and 12.5). */
import type { Format } from '../metrics/text.ts';

interface Preference {
  /** Lower case. */
  readonly value: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

/**
 * OpenMetrics for those who name it and do not like plain text better; plain text for everybody else, also for those
 * who want neither: a metrics page that answers 406 helps nobody.
 */
export function chooseFormat(accept: string | undefined): Format {
  let openmetrics = 0;
  let text = 0;
  for (const { value, parameters, quality } of parsePreferences(accept)) {
    const version = parameters.get('version');
    // Prometheus also asks for 0.0.1, a draft of 1.0.0 that reads the same; its own exporters answer that with 1.0.0.
    if (value === 'application/openmetrics-text' && [undefined, '1.0.0', '0.0.1'].includes(version)) {
      openmetrics = Math.max(openmetrics, quality);
    }
    if (value === 'text/plain' && [undefined, '0.0.4'].includes(version)) text = Math.max(text, quality);
  }
  return openmetrics > 0 && openmetrics >= text ? 'openmetrics' : 'text';
}

export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  const preferences = parsePreferences(acceptEncoding);
  const named = preferences.find(({ value }) => value === 'gzip' || value === 'x-gzip');
  const any = preferences.find(({ value }) => value === '*');
  return (named ?? any)?.quality !== 0 && (named ?? any) !== undefined;
}

/** Of a header such as Accept. A quality that is no number from 0 to 1 says nothing: such a part is left out. */
function parsePreferences(header = ''): Preference[] {
  return splitOutsideQuotes(header, ',').flatMap((part) => {
    const [value = '', ...rest] = splitOutsideQuotes(part, ';').map((piece) => piece.trim());
    const parameters = new Map(rest.map(parseParameter));
    const quality = Number(parameters.get('q') ?? 1);
    return value && quality >= 0 && quality <= 1 ? { value: value.toLowerCase(), parameters, quality } : [];
  });
}

function parseParameter(text: string): [name: string, value: string] {
  const [name = '', value = ''] = text.split('=').map((part) => part.trim());
  return [name.toLowerCase(), value.replaceAll('"', '')];
}

function splitOutsideQuotes(text: string, separator: ',' | ';'): string[] {
  return text.match(separator === ',' ? /(?:"[^"]*"|[^,"])+/g : /(?:"[^"]*"|[^;"])+/g) ?? [];
}
