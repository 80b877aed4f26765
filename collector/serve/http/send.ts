import { pipeline, Readable } from 'node:stream';
import { constants, createGzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { acceptsGzip } from './negotiate.ts';

/** Made, compressed (in node:zlib's threads) and sent piece by piece, no faster than the client reads. */
export function sendPieces(request: FastifyRequest, reply: FastifyReply, pieces: Iterable<string>): FastifyReply {
  reply.header('vary', 'accept, accept-encoding');
  const body = Readable.from(pieces);
  if (!acceptsGzip(request.headers['accept-encoding'])) return reply.send(body);
  reply.header('content-encoding', 'gzip');
  // Metrics repeat themselves: the fastest level leaves a twentieth, the best one little less at six times the price.
  const gzip = createGzip({ level: constants.Z_BEST_SPEED });
  return reply.send(pipeline(body, gzip, () => {}));
}
