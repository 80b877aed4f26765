/** Spawns as they happen, as server-sent events. */
import type { FastifyPluginCallback } from 'fastify';
import type { Engine } from '../../model/engine.ts';
import { formatFrame, type EventHub } from './event-hub.ts';
import { SCHEMA } from './record.ts';

interface Options {
  readonly engine: Engine;
  readonly version: string;
  readonly hub: EventHub;
}

export const eventsPlugin: FastifyPluginCallback<Options> = (app, { engine, version, hub }, done) => {
  app.addHook('preClose', async () => hub.close());

  app.get('/api/v1/events', { exposeHeadRoute: false }, (_request, reply) => {
    if (hub.isFull) return reply.code(503).type('text/plain').send('There are too many clients of events.\n');
    reply.hijack();
    reply.raw.writeHead(200, {
      ...headersOf(reply.getHeaders()),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // nginx would keep events back.
      'x-accel-buffering': 'no',
    });
    hub.add(reply.raw);
    reply.raw.write(formatFrame('hello', { schema: SCHEMA, version, engine: engine.name }));
    return reply;
  });

  done();
};

function headersOf(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
