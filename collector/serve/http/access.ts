/** Who may ask, how often, and the headers of every answer: what `--web.config.file` says at that moment. */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { WebConfig } from '../config/web.ts';
import type { RefusalCounts } from '../metrics/refusals.ts';
import { clientAddressOf } from './client-address.ts';
import type { HostCheck } from './hosts.ts';
import { createPasswordChecks, type PasswordChecks } from './passwords.ts';

interface Options {
  readonly webConfig: () => WebConfig;
  readonly refusals: RefusalCounts;
  readonly isHost: HostCheck;
}

/** The headers of pages that need no scripts and are in no one's frame; the configuration may say otherwise. */
const DEFAULT_HEADERS = {
  'content-security-policy': "default-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
};

const MAX_KNOWN = 100;

export const accessPlugin = fp<Options>(
  (app, { webConfig, refusals, isHost }, done) => {
    const isWithinRate = createRateLimit(webConfig);
    const checks = createPasswordChecks();
    const isUser = createUserCheck(webConfig, checks);

    app.addHook('onRequest', async (request, reply) => {
      reply.headers(DEFAULT_HEADERS).headers(webConfig().headers);
      if (!isProtected(webConfig()) && !isHost(request.headers.host)) {
        refusals.host++;
        request.log.warn({ host: request.headers.host }, 'refused a host that --web.allowed-hosts does not name');
        return refuse(
          reply,
          421,
          `This collector has no such name: ${printed(request.headers.host)}. Allow it with --web.allowed-hosts.`,
        );
      }
      if (!isWithinRate()) {
        refusals.rate++;
        return refuse(reply, 429, 'Too many requests (rate_limit).');
      }
      const isKnown = isUser(request);
      if (isKnown === undefined) {
        refusals.passwords++;
        reply.header('retry-after', 1);
        return refuse(reply, 429, 'Too many passwords are being checked; try again.');
      }
      if (await isKnown) return undefined;
      reply.header('www-authenticate', 'Basic realm="forktax", charset="UTF-8"');
      return refuse(reply, 401, 'Unauthorized.');
    });

    app.addHook('preClose', async () => checks.close());
    done();
  },
  { name: 'forktax-access', fastify: '5.x' },
);

/** A page that was rebound has neither the password nor a certificate for its name. */
const isProtected = ({ tls, users }: WebConfig): boolean => tls !== undefined || users.size > 0;

const printed = (host = ''): string => host.slice(0, 100).replaceAll(/[^\w.:-]/g, '?');

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

type UserCheck = (request: FastifyRequest) => boolean | Promise<boolean> | undefined;

/** Passwords that were right are remembered, hashed, so that a scrape needs no bcrypt. Undefined: too many are checked. */
function createUserCheck(webConfig: Options['webConfig'], checks: PasswordChecks): UserCheck {
  const known = new Set<string>();

  return ({ headers, socket }) => {
    const { users } = webConfig();
    if (users.size === 0) return true;
    const credentials = parseCredentials(headers.authorization);
    if (!credentials) return false;
    const { user, password } = credentials;
    const hash = users.get(user);
    const memory = createHash('sha256')
      .update(JSON.stringify([credentials, hash]))
      .digest('base64');
    if (known.has(memory)) return true;
    return checks.check({ password, hash: hash ?? standIn(user, users) }, clientAddressOf(socket))?.then((isRight) => {
      if (!isRight || hash === undefined) return false;
      if (known.size >= MAX_KNOWN) known.clear();
      known.add(memory);
      return true;
    });
  };
}

/** Another user's hash, always the same one for the same name: an unknown user takes as long as a known one. */
function standIn(user: string, users: ReadonlyMap<string, string>): string {
  const hashes = [...users.values()];
  return hashes[createHash('sha256').update(user).digest().readUInt32LE() % hashes.length] ?? '';
}

/** RFC 7617. */
function parseCredentials(authorization = ''): { user: string; password: string } | undefined {
  const match = /^basic +([A-Za-z\d+/=]+) *$/i.exec(authorization);
  const text = Buffer.from(match?.[1] ?? '', 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon === -1 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
