/** How many connections there may be, and how many requests at a time on one of them. */
import type { RequestListener, Server, ServerResponse } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { clientAddressOf } from './client-address.ts';
import type { RefusalCounts } from '../metrics/refusals.ts';

interface ConnectionLimits {
  readonly most: number;
  readonly mostOfAddress: number;
  /** Requests that a client may send on one connection before the first of them is answered. */
  readonly mostPipelined: number;
}

/** A connection that asks for something takes some 50 KiB. A Prometheus uses one. */
export const CONNECTION_LIMITS: ConnectionLimits = { most: 1_000, mostOfAddress: 250, mostPipelined: 4 };

export interface Connections {
  /** Keeps the connections of the server within the limits. */
  watch(server: Server | TlsServer): void;
  /** Hands on requests, as long as there are few on their connection. */
  limit(onRequest: RequestListener): RequestListener;
}

interface Connection {
  /** Below TLS, where there is TLS. */
  readonly socket: Socket;
  readonly siblings: Set<Connection>;
  unanswered: number;
}

/**
 * For all servers together. Beyond a limit that connection is closed which has been unused longest, of the same address
 * where the limit is that of an address: nobody keeps others out by holding connections.
 */
export function createConnections(refusals: RefusalCounts, limits = CONNECTION_LIMITS): Connections {
  // Sets are in the order of last use.
  const all = new Set<Connection>();
  const byAddress = new Map<string, Set<Connection>>();
  const bySocket = new WeakMap<Socket, Connection>();
  const inHandshake = new Map<string, Connection>();

  return {
    watch(server) {
      const isTls = 'setSecureContext' in server;
      server.on('connection', (socket: Socket) => add(socket, isTls));
      server.on('secureConnection', (socket: Socket) => {
        const connection = inHandshake.get(endsOf(socket));
        inHandshake.delete(endsOf(socket));
        if (connection) bySocket.set(socket, connection);
      });
    },
    limit: (onRequest) => (request, response) => {
      const connection = bySocket.get(request.socket);
      if (!connection) return onRequest(request, response);
      const unanswered = ++connection.unanswered;
      if (unanswered > limits.mostPipelined) return refuse(request.socket, response, unanswered);
      touch(connection);
      response.once('close', () => connection.unanswered--);
      onRequest(request, response);
    },
  };

  function add(socket: Socket, isTls: boolean): void {
    const address = clientAddressOf(socket);
    const ends = endsOf(socket);
    const siblings = byAddress.get(address) ?? new Set<Connection>();
    const connection: Connection = { socket, siblings, unanswered: 0 };
    byAddress.set(address, siblings);
    bySocket.set(socket, connection);
    if (isTls) inHandshake.set(ends, connection);
    touch(connection);
    socket.once('close', () => {
      all.delete(connection);
      siblings.delete(connection);
      if (siblings.size === 0 && byAddress.get(address) === siblings) byAddress.delete(address);
      if (inHandshake.get(ends) === connection) inHandshake.delete(ends);
    });
    if (siblings.size > limits.mostOfAddress) closeOne(siblings);
    else if (all.size > limits.most) closeOne(all);
  }

  function touch(connection: Connection): void {
    for (const set of [all, connection.siblings]) {
      set.delete(connection);
      set.add(connection);
    }
  }

  function closeOne(connections: ReadonlySet<Connection>): void {
    const byLastUse = [...connections];
    const unused = byLastUse.find(({ unanswered }) => unanswered === 0);
    refusals.connections++;
    (unused ?? byLastUse[0])?.socket.destroy();
  }

  /** The first beyond the limit is told why, and ends the connection; what the parser still holds is dropped. */
  function refuse(socket: Socket, response: ServerResponse, unanswered: number): void {
    refusals.pipelined++;
    if (unanswered > limits.mostPipelined + 1) return;
    socket.pause();
    response
      .writeHead(503, { 'content-type': 'text/plain', connection: 'close' })
      .end(`More than ${limits.mostPipelined} requests at a time on one connection.\n`);
  }
}

/** Tells two connections of one server apart, and is the same below and above TLS. */
function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
