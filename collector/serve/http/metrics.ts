/** The metrics. A format is a page here, and a choice in negotiate.ts. */
import type { FastifyPluginCallback } from 'fastify';
import { EvictionClock } from '../metrics/eviction-clock.ts';
import { renderScrape, type ScrapeSources } from '../metrics/scrape.ts';
import { CONTENT_TYPES, type Format } from '../metrics/formats.ts';
import type { Reading } from '../metrics/reading.ts';
import { chooseFormat } from './negotiate.ts';
import type { Page, Pages } from './pages.ts';

interface Options {
  readonly path: string;
  readonly sources: Omit<ScrapeSources, 'evictions'>;
  readonly pages: Pages<Reading>;
}

export const metricsPlugin: FastifyPluginCallback<Options> = (app, { path, sources, pages }, done) => {
  const evictions = new EvictionClock();
  const formats: Readonly<Record<Format, Page<Reading>>> = {
    text: page('text'),
    openmetrics: page('openmetrics'),
    protobuf: page('protobuf'),
  };

  app.get(path, (request, reply) => pages.send(request, reply, () => formats[chooseFormat(request.headers.accept)]));

  done();

  function page(format: Format): Page<Reading> {
    return {
      contentType: CONTENT_TYPES[format],
      pieces: (reading) => renderScrape({ ...sources, evictions }, reading, format),
    };
  }
};
