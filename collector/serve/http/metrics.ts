/** The metrics, and how many may ask for them at a time. */
import type { FastifyPluginCallback } from 'fastify';
import { scrape, type ScrapeSources } from '../metrics/scrape.ts';
import { CONTENT_TYPES } from '../metrics/text.ts';
import { chooseFormat } from './negotiate.ts';
import { sendPieces } from './send.ts';

interface Options {
  readonly path: string;
  /** 0: no limit. */
  readonly maxRequests: number;
  readonly sources: ScrapeSources;
}

export const metricsPlugin: FastifyPluginCallback<Options> = (app, { path, maxRequests, sources }, done) => {
  let underWay = 0;

  app.addHook('onRequest', async (_request, reply) => {
    if (maxRequests > 0 && underWay >= maxRequests) {
      return reply
        .code(503)
        .type('text/plain')
        .send(`More than ${maxRequests} scrapes at a time (--web.max-requests).\n`);
    }
    underWay++;
    reply.raw.once('close', () => underWay--);
    return undefined;
  });

  app.get(path, async (request, reply) => {
    const format = chooseFormat(request.headers.accept);
    reply.header('content-type', CONTENT_TYPES[format]);
    return sendPieces(request, reply, await scrape(sources, format));
  });

  done();
};
