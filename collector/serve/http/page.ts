/** The live page at `/`: files that make built from collector/page/. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { FastifyPluginCallback } from 'fastify';
import { builtFile } from '../../system/built-file.ts';
import type { WebConfig } from '../config/web.ts';
import { acceptsGzip } from './negotiate.ts';

interface PageFile {
  readonly path: string;
  readonly contentType: string;
  readonly plain: Buffer;
  readonly gzip: Buffer;
  readonly etag: string;
}

interface Options {
  readonly files: readonly PageFile[];
  readonly webConfig: () => WebConfig;
}

const FILES = [
  ['/', 'index.html', 'text/html; charset=utf-8'],
  ['/-/page/page.js', 'page.js', 'text/javascript; charset=utf-8'],
  ['/-/page/page.css', 'page.css', 'text/css; charset=utf-8'],
] as const;

/** The page runs only its own files, and talks to its own collector only. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Undefined: make did not build the page. */
export function readPage(folder = builtFile('collector/page/build')): readonly PageFile[] | undefined {
  try {
    return FILES.map(([path, name, contentType]) => {
      const plain = readFileSync(join(folder, name));
      const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`;
      return { path, contentType, plain, gzip: gzipSync(plain), etag };
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export const pagePlugin: FastifyPluginCallback<Options> = (app, { files, webConfig }, done) => {
  for (const { path, contentType, plain, gzip, etag } of files) {
    app.get(path, async (request, reply) => {
      if (!isConfigured(webConfig())) reply.header('content-security-policy', POLICY);
      reply.headers({ 'cache-control': 'no-cache', etag, vary: 'accept-encoding', 'referrer-policy': 'no-referrer' });
      if (request.headers['if-none-match'] === etag) return reply.code(304).send();
      reply.type(contentType);
      if (!acceptsGzip(request.headers['accept-encoding'])) return reply.send(plain);
      return reply.header('content-encoding', 'gzip').send(gzip);
    });
  }
  done();
};

/** An operator's own policy stays. */
function isConfigured({ headers }: WebConfig): boolean {
  return Object.keys(headers ?? {}).some((name) => name.toLowerCase() === 'content-security-policy');
}
