/** The sockets: Fastify listens on one address, an exporter on as many as it is told. */
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { formatAddress, parseAddress } from '../config/address.ts';
import { contextOptions, isWelcome } from '../config/tls.ts';
import type { TlsConfig, WebConfig } from '../config/web.ts';
import { ForktaxError } from '../../model/errors.ts';
import { createConnections, type Connections } from './connections.ts';
import { createRefusalCounts } from '../metrics/refusals.ts';

/** How long answers under way may take when the exporter stops. */
const GRACE_MS = 5_000;

/** A client that has begun to ask must go on asking. In milliseconds. */
const TIMES = { headersTimeout: 10_000, requestTimeout: 15_000, connectionsCheckingInterval: 5_000 };

export interface Listening {
  /** As in a URL, with the ports that the kernel chose. */
  readonly addresses: readonly string[];
  /** Takes new certificates for new connections. */
  useCertificates(tls: TlsConfig): void;
  /** Stops accepting, lets answers under way end, and closes the app. */
  close(): Promise<void>;
}

/** `addresses`: as in a URL, or the descriptors of sockets that somebody else opened. @throws FORKTAX_LISTEN: then nothing listens */
export async function listen(
  app: FastifyInstance,
  addresses: readonly (string | number)[],
  webConfig: () => WebConfig,
  refusals = createRefusalCounts(),
): Promise<Listening> {
  await app.ready();
  const connections = createConnections(refusals);
  const servers: (Server | TlsServer)[] = [];
  try {
    for (const address of addresses) servers.push(await open(createFor(app, webConfig, connections), address));
  } catch (error) {
    for (const server of servers) server.close();
    throw error;
  }
  return {
    addresses: servers.map((server) => describe(server.address())),
    useCertificates(tls) {
      for (const server of servers) if ('setSecureContext' in server) server.setSecureContext(contextOptions(tls));
    },
    async close() {
      const closed = servers.map((server) => closeServer(server));
      await Promise.all([app.close(), ...closed]);
    },
  };
}

function createFor(app: FastifyInstance, webConfig: () => WebConfig, connections: Connections): Server | TlsServer {
  const server = createBare(
    connections.limit((request, response) => app.routing(request, response)),
    webConfig,
  );
  connections.watch(server);
  return server;
}

function createBare(onRequest: RequestListener, webConfig: () => WebConfig): Server | TlsServer {
  const { tls } = webConfig();
  if (!tls) return createServer(TIMES, onRequest);
  const asks = tls.client_auth_type !== 'NoClientCert';
  const server = createTlsServer(
    {
      ...TIMES,
      handshakeTimeout: TIMES.headersTimeout,
      ...contextOptions(tls),
      requestCert: asks,
      rejectUnauthorized: tls.client_auth_type === 'RequireAndVerifyClientCert',
    },
    onRequest,
  );
  // Before the server's own listener, so that nothing the stranger sent is read.
  server.prependListener('secureConnection', (socket) => {
    if (!isWelcome(socket, webConfig().tls ?? tls)) socket.destroy();
  });
  return server;
}

async function open<S extends Server | TlsServer>(server: S, address: string | number): Promise<S> {
  server.listen(typeof address === 'number' ? { fd: address } : (parseAddress(address) ?? { port: 0 }));
  try {
    await once(server, 'listening');
    return server;
  } catch (cause) {
    throw new ForktaxError('FORKTAX_LISTEN', `cannot listen on ${nameOf(address)}: ${reasonOf(cause)}`, { cause });
  }
}

const nameOf = (address: string | number) => (typeof address === 'number' ? `descriptor ${address}` : address);

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') return 'another program listens there';
  if (code === 'EADDRNOTAVAIL') return 'this host has no such address';
  if (code === 'EACCES') return 'ports below 1024 need CAP_NET_BIND_SERVICE';
  return error instanceof Error ? error.message : String(error);
}

async function closeServer(server: Server | TlsServer): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  // A connection whose last answer ends only now would be kept for a next request.
  const idle = setInterval(() => server.closeIdleConnections(), 20);
  const grace = setTimeout(() => server.closeAllConnections(), GRACE_MS);
  await closed;
  clearInterval(idle);
  clearTimeout(grace);
}

function describe(address: AddressInfo | string | null): string {
  return typeof address === 'object' && address
    ? formatAddress({ host: address.address, port: address.port })
    : String(address);
}
