/** The attacks. Each is bounded in number and time, and aims at a collector on the loopback interface only. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { answersOf, get, open, openMany, scrape, type Scraped } from './clients.ts';
import type { Victim } from './victim.ts';

export interface Attack {
  readonly name: string;
  /** Also in the short form. */
  readonly isShort?: true;
  /** Runs the attack, and scrapes beside it. */
  readonly run: (victim: Victim) => Promise<readonly Scraped[]>;
}

const PIPELINED = 2_000;
const CONNECTIONS = 1_000;

export const ATTACKS: readonly Attack[] = [
  ...['/api/v1/costs', '/-/ready', '/metrics', '/'].map((path): Attack => ({
    name: `${PIPELINED} pipelined GET ${path}`,
    isShort: true,
    async run({ port, url }) {
      const socket = open(port);
      socket.write(get(path).repeat(PIPELINED));
      const [beside] = await Promise.all([scrape(url), answersOf(socket)]);
      return [beside];
    },
  })),
  {
    name: `${CONNECTIONS} connections, each a scrape without gzip`,
    isShort: true,
    async run({ port, url }) {
      const sockets = openMany(port, CONNECTIONS, 2);
      for (const socket of sockets) socket.write(get('/metrics', 'Connection: close'));
      const scrapes = [];
      for (let i = 0; i < 5; i++) scrapes.push(await scrape(url));
      await Promise.race([Promise.all(sockets.map(answersOf)), sleep(10_000)]);
      closeAll(sockets);
      return scrapes;
    },
  },
  {
    name: `${CONNECTIONS} connections, each ${PIPELINED / 100} pipelined GET /api/v1/costs, and no reading`,
    async run({ port, url }) {
      const sockets = openMany(port, CONNECTIONS, 2);
      for (const socket of sockets) socket.pause().write(get('/api/v1/costs').repeat(PIPELINED / 100));
      const scrapes = [];
      for (let i = 0; i < 10; i++) scrapes.push(await scrape(url));
      closeAll(sockets);
      return scrapes;
    },
  },
  {
    name: '40 clients of the same address that do not read',
    isShort: true,
    async run({ port, url }) {
      const sockets = openMany(port, 40);
      for (const socket of sockets) socket.pause().write(get('/metrics'));
      await Promise.all(sockets.map((socket) => once(socket, 'connect')));
      const scrapes = [];
      for (let i = 0; i < 5; i++) scrapes.push(await scrape(url));
      closeAll(sockets);
      return scrapes;
    },
  },
  {
    name: '200 scrapers at a time, each of its own address, five times',
    async run({ url }) {
      const scrapers = Array.from({ length: 200 }, async (_, i) => {
        const scrapes = [];
        for (let round = 0; round < 5; round++) scrapes.push(await scrape(url, { last: i + 1 }));
        return scrapes;
      });
      return (await Promise.all(scrapers)).flat();
    },
  },
  {
    name: '2,500 connections that say nothing, or half of a request',
    async run({ port, url }) {
      const sockets = openMany(port, 2_500);
      for (const [i, socket] of sockets.entries()) if (i % 2) socket.write('GET /metrics HTTP/1.1\r\nHost: a\r\nX');
      const scrapes = [];
      for (let i = 0; i < 5; i++) scrapes.push(await scrape(url));
      closeAll(sockets);
      return scrapes;
    },
  },
  {
    name: '300 requests that are no HTTP, too long, or have bodies',
    async run({ port, url }) {
      const texts = [
        '\0\x01\x02\xff'.repeat(1_000),
        `GET /${'x'.repeat(60_000)} HTTP/1.1\r\n\r\n`,
        get('/metrics', ...Array.from({ length: 2_000 }, (_, i) => `X-${i}: ${i}`)),
        get('/metrics', `Accept: ${'text/plain;q=0.1,'.repeat(800)}`),
        get('/metrics', `Accept-Encoding: ${'gzip;q=0.1,'.repeat(1_200)}`),
        `POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n${'x'.repeat(1 << 20)}`,
        'POST /metrics HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n',
      ];
      const sockets = openMany(port, 300, 2);
      for (const [i, socket] of sockets.entries()) socket.resume().write(texts[i % texts.length] ?? '');
      const scrapes = [];
      for (let i = 0; i < 5; i++) scrapes.push(await scrape(url));
      closeAll(sockets);
      return scrapes;
    },
  },
  {
    name: '40 event streams that are not read, during 5,000 spawns',
    async run({ port, url }) {
      const sockets = openMany(port, 40, 2);
      for (const socket of sockets) socket.pause().write(get('/api/v1/events'));
      await Promise.all(sockets.map((socket) => once(socket, 'connect')));
      const scrapes = [];
      for (let i = 0; i < 5; i++) scrapes.push(await scrape(url));
      closeAll(sockets);
      return scrapes;
    },
  },
];

export function closeAll(sockets: readonly { destroy(): unknown }[]): void {
  for (const socket of sockets) socket.destroy();
}
