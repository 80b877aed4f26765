/** Clients that nobody wants, on sockets of their own, and one that should not notice them. */
import { once } from 'node:events';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';

export const get = (path: string, ...headers: readonly string[]): string =>
  [`GET ${path} HTTP/1.1`, 'Host: 127.0.0.1', ...headers, '', ''].join('\r\n');

/** A client of 127.0.0.`last`, which is to Linux an address like any other. */
export function open(port: number, last = 1): Socket {
  return connect({ port, host: '127.0.0.1', localAddress: addressOf(last) }).on('error', () => {});
}

export function openMany(port: number, count: number, last = 1): Socket[] {
  return Array.from({ length: count }, () => open(port, last));
}

/** Resolves when the server has closed it, and gives how many answers of 200 came. What comes is read. */
export async function answersOf(socket: Socket): Promise<number> {
  let answers = 0;
  socket.on('data', (chunk: Buffer) => (answers += chunk.toString('latin1').split('HTTP/1.1 200 ').length - 1));
  if (!socket.closed) await once(socket, 'close');
  return answers;
}

export interface Scraped {
  readonly status: number;
  readonly ms: number;
  readonly text: string;
}

/** A scrape as Prometheus does it: a connection of its own, gzip, all of it read. Its status is 0 if it is cut off. */
export async function scrape(url: string, options: { last?: number; authorization?: string } = {}): Promise<Scraped> {
  const begunAt = performance.now();
  try {
    const { status, text } = await read(url, options);
    return { status, ms: performance.now() - begunAt, text };
  } catch {
    return { status: 0, ms: performance.now() - begunAt, text: '' };
  }
}

async function read(url: string, { last = 1, authorization = '' }): Promise<Omit<Scraped, 'ms'>> {
  const headers = { 'accept-encoding': 'gzip', ...(authorization && { authorization }) };
  const request = httpGet(`${url}/metrics`, { agent: false, localAddress: addressOf(last), headers });
  const [answer]: IncomingMessage[] = await once(request, 'response');
  if (!answer) throw new Error('no answer');
  const body = await buffer(answer);
  const isPacked = answer.headers['content-encoding'] === 'gzip';
  return { status: answer.statusCode ?? 0, text: (isPacked ? gunzipSync(body) : body).toString() };
}

const addressOf = (last: number): string => `127.0.0.${last}`;
