/** Spawns as they happen, as server-sent events. */
import type { FastifyPluginCallback } from 'fastify';
import type { Engine } from '../../model/engine.ts';
import { EVENT_KINDS, type EngineEvent } from '../../model/events.ts';
import type { EventHub, Wanted } from './event-hub.ts';
import { formatFrame } from './event-log.ts';
import { SCHEMA } from './record.ts';
import { Refusal } from './refusal.ts';

interface Options {
  readonly engine: Engine;
  readonly version: string;
  readonly hub: EventHub;
}

interface Query {
  /** Kinds of events, separated by commas. A list if the query has it several times. */
  readonly kind?: string | readonly string[];
  readonly min_stall_ns?: string | readonly string[];
}

export const eventsPlugin: FastifyPluginCallback<Options> = (app, { engine, version, hub }, done) => {
  app.addHook('preClose', async () => hub.close());

  app.get<{ Querystring: Query }>('/api/v1/events', { exposeHeadRoute: false }, (request, reply) => {
    const isWanted = filterOf(request.query);
    const lastId = request.headers['last-event-id'];
    const wanted: Wanted = { ...(isWanted && { isWanted }), ...(typeof lastId === 'string' && { lastId }) };
    // The client may have gone while its password was checked, and would never be removed.
    if (reply.raw.destroyed) return reply.hijack();
    if (hub.isFull) return reply.code(503).type('text/plain').send('There are too many clients of events.\n');
    reply.hijack();
    reply.raw.writeHead(200, {
      ...headersOf(reply.getHeaders()),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // nginx would keep events back.
      'x-accel-buffering': 'no',
    });
    reply.raw.write(formatFrame('hello', { schema: SCHEMA, version, engine: engine.name }));
    hub.add(reply.raw, wanted);
    return reply;
  });

  done();
};

/** Undefined: every event is wanted. */
function filterOf({ kind, min_stall_ns: least }: Query): ((event: EngineEvent) => boolean) | undefined {
  if (kind === undefined && least === undefined) return undefined;
  const kinds = new Set<string>(kind === undefined ? EVENT_KINDS : [kind].flat().flatMap((names) => names.split(',')));
  for (const name of kinds) {
    if (!EVENT_KINDS.some((known) => known === name)) {
      throw new Refusal(400, `kind: there is no ${name}; the kinds are ${EVENT_KINDS.join(', ')}.`);
    }
  }
  if (least === undefined) return (event) => kinds.has(event.kind);
  if (!/^\d{1,15}$/.test(String(least))) throw new Refusal(400, 'min_stall_ns: must be a whole number of nanoseconds.');
  const leastNs = Number(least);
  return (event) => kinds.has(event.kind) && 'stallNs' in event && (event.stallNs ?? 0) >= leastNs;
}

function headersOf(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
