/** Attacks on `/api/v1/sites` of `serve --web.enable-sites`. */
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { bpfObjectsOf, variableOf } from '../soak/bpf-objects.ts';
import { closeAll, type Attack } from './attacks.ts';
import { answersOf, get, open, openMany, scrape } from './clients.ts';
import type { Victim } from './victim.ts';

const PATH = '/api/v1/sites';
const WRONG = [
  'seconds=0',
  'seconds=1e1',
  'seconds=1&seconds=60',
  `seconds=${'9'.repeat(8_000)}`,
  'format=svg',
  'weight=x',
];
/** For what is to happen on a busy machine. */
const PATIENCE_MS = 10_000;

interface SiteAttacks {
  readonly attacks: readonly Attack[];
  /** Call it after each of them: the collector must hold what it held before the first, and copy stacks for whoever asks next. */
  readonly findProblems: () => Promise<readonly string[]>;
}

export function makeSiteAttacks({ pid, url: victimUrl }: Victim): SiteAttacks {
  const before = heldBy(pid);
  const wanted = variableOf(pid, 'stacks_wanted');
  const isCopying = (): boolean => wanted() === 1;
  /** Of the attack that runs. */
  const problems: string[] = [];

  const attacks: readonly Attack[] = [
    {
      name: `2,000 pipelined GET ${PATH}`,
      isShort: true,
      async run({ port, url }) {
        const socket = open(port);
        socket.write(get(`${PATH}?seconds=1`).repeat(2_000));
        const [beside] = await Promise.all([scrape(url), answersOf(socket)]);
        return [beside];
      },
    },
    {
      name: `1,000 connections, each 4 pipelined GET ${PATH}, and no reading`,
      isShort: true,
      async run({ port, url }) {
        const sockets = openMany(port, 1_000, 2);
        for (const socket of sockets) socket.pause().write(get(`${PATH}?seconds=60`).repeat(4));
        const scrapes = [];
        for (let i = 0; i < 5; i++) scrapes.push(await scrape(url));
        closeAll(sockets);
        return scrapes;
      },
    },
    leaving(10, true),
    leaving(100),
    {
      name: `200 GET ${PATH} with wrong parameters`,
      isShort: true,
      async run({ port, url }) {
        const sockets = openMany(port, 200, 2);
        for (const [i, socket] of sockets.entries())
          socket.write(get(`${PATH}?${WRONG[i % WRONG.length] ?? ''}`, 'Connection: close'));
        const answers = Promise.all(sockets.map(answersOf));
        const scrapes = [];
        for (let i = 0; i < 5; i++) scrapes.push(await scrape(url));
        if ((await answers).some((count) => count > 0)) problems.push('a wrong parameter was taken');
        return scrapes;
      },
    },
  ];
  return { attacks, findProblems };

  function leaving(count: number, isShort?: true): Attack {
    return {
      name: `${count} clients, one after the other, that leave while stacks are copied for them`,
      ...(isShort && { isShort }),
      async run({ port, url }) {
        const scrapes = [];
        for (let i = 0; i < count; i++) {
          const socket = open(port, 2);
          socket.pause().write(get(`${PATH}?seconds=60`));
          if (!(await becomes(isCopying))) problems.push('no stacks were copied for a client');
          if (i % 10 === 0) scrapes.push(await scrape(url));
          socket.destroy();
          if (!(await becomes(() => !isCopying()))) problems.push('stacks were copied for a client that had left');
        }
        return scrapes;
      },
    };
  }

  async function findProblems(): Promise<readonly string[]> {
    const left = [...new Set(problems.splice(0))];
    if (!(await becomes(() => !isCopying()))) left.push('stacks are copied though all clients have left');
    const answer = await fetch(`${victimUrl}${PATH}?seconds=1`);
    if (answer.status !== 200) left.push(`whoever asks then is answered with ${answer.status}`);
    await answer.text();
    if (!(await becomes(() => heldBy(pid) === before))) left.push(`it held ${before}, and now ${heldBy(pid)}`);
    return left;
  }
}

function heldBy(pid: number): string {
  const links = readdirSync(`/proc/${pid}/fd`).length;
  return `${links} descriptors, ${bpfObjectsOf(pid).length} programs and maps`;
}

async function becomes(isSo: () => boolean): Promise<boolean> {
  const until = performance.now() + PATIENCE_MS;
  while (!isSo()) {
    if (performance.now() > until) return false;
    await sleep(20);
  }
  return true;
}
