/** The JSON Schema of the API. */
import type { FastifyPluginCallback } from 'fastify';
import { jsonSchemas } from '../api/schema.ts';

export const schemaPlugin: FastifyPluginCallback = (app, _options, done) => {
  let text: string | undefined;
  app.get('/api/v1/schema', async (_request, reply) => {
    text ??= JSON.stringify(jsonSchemas(), undefined, 1);
    return reply.type('application/schema+json; charset=utf-8').send(text);
  });
  done();
};
