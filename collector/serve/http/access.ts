/** Who may ask, how often, and the headers of every answer: what `--web.config.file` says at that moment. */
import { createHash } from 'node:crypto';
import { compare } from 'bcryptjs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { WebConfig } from '../config/web.ts';

interface Options {
  readonly webConfig: () => WebConfig;
}

/** Of pages that need no scripts and are in no one's frame; the configuration may say otherwise. */
const DEFAULT_HEADERS = {
  'content-security-policy': "default-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
};

/** A hash of nothing in particular, so that an unknown user takes as long as a known one. */
const NOBODY = '$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi';
const MAX_KNOWN = 100;

export const accessPlugin = fp<Options>(
  (app, { webConfig }, done) => {
    const isWithinRate = createRateLimit(webConfig);
    const isUser = createPasswordCheck(webConfig);

    app.addHook('onRequest', async (request, reply) => {
      reply.headers(DEFAULT_HEADERS).headers(webConfig().headers);
      if (!isWithinRate()) return refuse(reply, 429, 'Too many requests (rate_limit).');
      if (await isUser(request)) return undefined;
      reply.header('www-authenticate', 'Basic realm="forktax", charset="UTF-8"');
      return refuse(reply, 401, 'Unauthorized.');
    });

    done();
  },
  { name: 'forktax-access', fastify: '5.x' },
);

function refuse(reply: FastifyReply, code: number, why: string): FastifyReply {
  return reply.code(code).type('text/plain').send(`${why}\n`);
}

/** A token bucket: `burst` requests at once, then one each `interval`. */
function createRateLimit(webConfig: Options['webConfig']): () => boolean {
  let freeAt = -Infinity;
  return () => {
    const limit = webConfig().rateLimit;
    if (!limit || limit.interval === 0) return true;
    const now = performance.now();
    const earliest = Math.max(freeAt, now - limit.interval * (limit.burst - 1));
    if (earliest > now) return false;
    freeAt = earliest + limit.interval;
    return true;
  };
}

/** Passwords found right are remembered, hashed, so that a scrape costs no bcrypt; they are checked one at a time. */
function createPasswordCheck(webConfig: Options['webConfig']): (request: FastifyRequest) => Promise<boolean> {
  const known = new Set<string>();
  let turn: Promise<unknown> = Promise.resolve();

  return async (request) => {
    const { users } = webConfig();
    if (users.size === 0) return true;
    const credentials = parseCredentials(request.headers.authorization);
    if (!credentials) return false;
    const hash = users.get(credentials.user);
    const memory = createHash('sha256')
      .update(JSON.stringify([credentials, hash]))
      .digest('base64');
    if (known.has(memory)) return true;
    const check = turn.then(() => compare(credentials.password, hash ?? NOBODY));
    turn = check.catch(() => {});
    if (!(await check) || hash === undefined) return false;
    if (known.size >= MAX_KNOWN) known.clear();
    known.add(memory);
    return true;
  };
}

/** RFC 7617. */
function parseCredentials(authorization = ''): { user: string; password: string } | undefined {
  const match = /^basic +([A-Za-z\d+/=]+) *$/i.exec(authorization);
  const text = Buffer.from(match?.[1] ?? '', 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon === -1 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
