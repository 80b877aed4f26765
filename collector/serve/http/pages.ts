/** Large answers: each is made once for all who ask for it, in each encoding, and sent no faster than a client reads. */
import { pipeline, Readable } from 'node:stream';
import { constants, createGzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { clientAddressOf } from './client-address.ts';
import { acceptsGzip } from './negotiate.ts';
import type { Readings, Taken } from './readings.ts';
import type { RefusalCounts } from '../metrics/refusals.ts';
import { Refusal } from './refusal.ts';
import { SharedBody } from './shared-body.ts';
import { createTurns, TURNS, type Turn, type TurnOptions } from './turns.ts';

/** A format of what was read. Each is an object of its own: bodies are shared by page and encoding. */
export interface Page<T> {
  readonly contentType: string;
  /** The pieces have any size; they are gathered into larger ones. */
  readonly pieces: (reading: T) => Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;
}

type Encoding = 'identity' | 'gzip';

export interface Pages<T> {
  /** Sends the page that `choose` names. It may throw a Refusal. */
  send(request: FastifyRequest, reply: FastifyReply, choose: (reading: T) => Page<T>): Promise<FastifyReply>;
}

interface Options<T extends Taken> {
  readonly readings: Readings<T>;
  readonly turns: Pick<TurnOptions, 'most'> & Partial<TurnOptions>;
  readonly refusals: RefusalCounts;
}

const PIECE_BYTES = 1 << 16;
const IN_BYTES = { objectMode: false, highWaterMark: PIECE_BYTES } as const;
/** Above this, clients that stand still are cut off at once: each may hold a page of another moment. */
const MOST_HELD_BYTES = 16 << 20;

export function createPages<T extends Taken>({ readings, turns: turnOptions, refusals }: Options<T>): Pages<T> {
  const bodies = new WeakMap<T, Map<Page<T>, Partial<Record<Encoding, SharedBody>>>>();
  const held = new Set<SharedBody>();
  const turns = createTurns({ ...TURNS, ...turnOptions }, isHoldingMuch);

  return {
    async send(request, reply, choose) {
      const askedAt = performance.now();
      const { turn, reading } = await takeBoth(request, reply, askedAt);
      const page = choose(reading);
      const encoding = acceptsGzip(request.headers['accept-encoding']) ? 'gzip' : 'identity';
      reply.headers({ 'content-type': page.contentType, vary: 'accept, accept-encoding' });
      if (encoding === 'gzip') reply.header('content-encoding', encoding);
      const body = bodyOf(reading, page, encoding);
      return reply.send(Readable.from(taken(body, turn), IN_BYTES));
    },
  };

  /** All who asked before a reading began are served from it, however long they wait for their turn. */
  async function takeBoth(request: FastifyRequest, reply: FastifyReply, askedAt: number) {
    const hold = readings.hold();
    try {
      const turn = await takeTurn(request, reply);
      return { turn, reading: await readings.take(askedAt) };
    } finally {
      hold[Symbol.dispose]();
    }
  }

  async function takeTurn({ socket }: FastifyRequest, { raw }: FastifyReply): Promise<Turn> {
    const turn = await turns.take({
      address: clientAddressOf(socket),
      isGone: () => raw.destroyed,
      cutOff() {
        refusals.stalled++;
        raw.destroy();
      },
    });
    if (!turn) {
      if (!raw.destroyed) refusals.busy++;
      throw new Refusal(503, 'Too many ask at a time (--web.max-requests); try again.');
    }
    if (raw.destroyed) turn.end();
    else raw.once('close', () => turn.end());
    return turn;
  }

  function bodyOf(reading: T, page: Page<T>, encoding: Encoding): SharedBody {
    const byPage = bodies.get(reading) ?? new Map<Page<T>, Partial<Record<Encoding, SharedBody>>>();
    bodies.set(reading, byPage);
    const byEncoding = byPage.get(page) ?? {};
    byPage.set(page, byEncoding);
    byEncoding[encoding] ??= new SharedBody(encoded(gathered(page.pieces(reading)), encoding));
    return byEncoding[encoding];
  }

  async function* taken(body: SharedBody, turn: Turn): AsyncGenerator<Buffer> {
    held.add(body);
    body.readers++;
    try {
      for await (const piece of body.read()) {
        turn.waitForClient();
        yield piece;
        turn.letClientWait();
      }
      turn.waitForClient();
    } finally {
      if (--body.readers === 0) held.delete(body);
    }
  }

  function isHoldingMuch(): boolean {
    return Array.from(held, ({ bytes }) => bytes).reduce((sum, bytes) => sum + bytes, 0) > MOST_HELD_BYTES;
  }
}

/** In node:zlib's threads. Metrics repeat themselves: the fastest level leaves a twentieth, the best little less. */
function encoded(pieces: AsyncIterable<Buffer>, encoding: Encoding): AsyncIterable<Buffer> {
  if (encoding === 'identity') return pieces;
  return pipeline(Readable.from(pieces, IN_BYTES), createGzip({ level: constants.Z_BEST_SPEED }), () => {});
}

async function* gathered(parts: ReturnType<Page<never>['pieces']>): AsyncGenerator<Buffer> {
  let chunks: Uint8Array[] = [];
  let text = '';
  let size = 0;
  for await (const part of parts) {
    if (typeof part === 'string') text += part;
    else {
      chunks.push(Buffer.from(text), part);
      text = '';
    }
    size += part.length;
    if (size >= PIECE_BYTES) yield take();
  }
  if (size > 0) yield take();

  function take(): Buffer {
    const piece = Buffer.concat([...chunks, Buffer.from(text)]);
    chunks = [];
    text = '';
    size = 0;
    return piece;
  }
}
