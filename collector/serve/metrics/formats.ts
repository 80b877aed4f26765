/** The formats of a scrape. */
import type { Family } from './family.ts';
import { renderProtobuf } from './protobuf.ts';
import { renderText } from './text.ts';

export type Format = 'text' | 'openmetrics' | 'protobuf';

/** Prometheus 3 requires these content types; older versions ignore them. */
export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  protobuf: 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
};

const PIECE_CHARACTERS = 1 << 16;

export async function* render(
  families: Iterable<Family> | AsyncIterable<Family>,
  format: Format,
): AsyncGenerator<string | Uint8Array> {
  for await (const family of families) {
    if (format === 'protobuf') yield* renderProtobuf(family);
    else yield* inPieces(renderText(family, format));
  }
  if (format === 'openmetrics') yield '# EOF\n';
}

function* inPieces(texts: Iterable<string>): Generator<string> {
  let piece = '';
  for (const text of texts) {
    piece += text;
    if (piece.length < PIECE_CHARACTERS) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}
