/** Which format and encoding a client takes (RFC 9110, 12.4 and 12.5). */
import Negotiator from 'negotiator';
import type { Format } from '../metrics/formats.ts';

/** Prometheus also requests 0.0.1, a draft of 1.0.0 that reads the same; its own exporters answer that with 1.0.0. */
const OPENMETRICS_VERSIONS = ['1.0.0', '0.0.1'];
/** How a client wants names escaped that are not ASCII. Every name here is ASCII, so each of them is kept to. */
const ESCAPINGS = ['allow-utf-8', 'underscores', 'dots', 'values'];

/** Longer headers are ignored: Prometheus sends some 300 characters, and to read 16,000 would take 70 ms. */
const MOST_CHARACTERS = 1024;

const variants = (type: string, versions: readonly string[]): readonly string[] =>
  versions.flatMap((version) =>
    ESCAPINGS.map((escaping) => `${type};version=${version};charset=utf-8;escaping=${escaping}`),
  );

const TEXT = variants('text/plain', ['0.0.4']);
/** The first is chosen where a client likes several equally. */
const TEXTS = [...TEXT, ...variants('application/openmetrics-text', OPENMETRICS_VERSIONS)];
const PROTOBUF = ESCAPINGS.map(
  (escaping) =>
    `application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;escaping=${escaping}`,
);

/** Only for those who name message and encoding: whoever merely takes anything is a person, or a program that reads text. */
const NAMES_PROTOBUF =
  /application\/vnd\.google\.protobuf(?=[^,]*;\s*proto="?io\.prometheus\.client\.MetricFamily\b)(?=[^,]*;\s*encoding="?delimited\b)/i;

/**
 * The format that the client prefers; plain text also for clients that accept none, because a metrics page that answers
 * 406 helps nobody.
 */
export function chooseFormat(accept: string | undefined): Format {
  if (accept === undefined || accept.length > MOST_CHARACTERS) return 'text';
  const available = NAMES_PROTOBUF.test(accept) ? [...TEXTS, ...PROTOBUF] : TEXTS;
  const chosen = new Negotiator({ headers: { accept } }).mediaType(available);
  if (chosen === undefined || TEXT.includes(chosen)) return 'text';
  return PROTOBUF.includes(chosen) ? 'protobuf' : 'openmetrics';
}

export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  return new Negotiator({ headers: { 'accept-encoding': acceptEncoding } }).encodings(['gzip']).length > 0;
}
