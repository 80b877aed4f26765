/** Redis says how long its last fork took: `latest_fork_usec`, from before libc's fork() to after it, in the parent. */
import { createConnection, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Unpacked } from '../overhead/packages.ts';
import { startTool } from '../overhead/tools.ts';
import { mean, spawnsDuring, type Agreement } from './watch.ts';

export const REDIS_PACKAGES = `
redis-server redis-tools libatomic1 libhiredis0.14 libjemalloc2 liblua5.1-0 liblzf1 lua-bitop lua-cjson`
  .trim()
  .split(/\s+/);

const SNAPSHOTS = 20;
/** 500 MB of values. */
const POPULATE = 'DEBUG POPULATE 500000 key 1000';

type Ask = (command: string) => Promise<string>;

export async function compareRedis(run: Unpacked, folder: string): Promise<Agreement> {
  const socket = join(folder, 'redis.sock');
  const flags = ['--port', '0', '--unixsocket', socket, '--save', '', '--dir', folder, '--enable-debug-command', 'yes'];
  const command = [...run('usr/bin/redis-server'), ...flags];
  const server = await startTool({ name: 'redis', command, ready: /ready to accept/i });
  const client = createConnection(socket);
  try {
    const ask = askOver(client);
    await ask(POPULATE);
    const said: number[] = [];
    const spawns = await spawnsDuring({ pid: server.pid ?? 0 }, async () => {
      for (let i = 0; i < SNAPSHOTS; i++) said.push(await snapshot(ask));
    });
    return {
      what: 'Redis, `latest_fork_usec` of snapshots of 500 MB',
      spawns: SNAPSHOTS,
      seen: spawns.length,
      theirsUs: mean(said),
      oursUs: mean(spawns.map(({ stallNs }) => stallNs / 1000)),
    };
  } finally {
    client.destroy();
    await server.stop();
  }
}

async function snapshot(ask: Ask): Promise<number> {
  await ask('BGSAVE');
  while (/^rdb_bgsave_in_progress:1/m.test(await ask('INFO persistence'))) await sleep(20);
  return Number(/^latest_fork_usec:(\d+)/m.exec(await ask('INFO stats'))?.[1]);
}

/** Speaks as much of Redis' protocol as this needs: answers are one line, or a length and so many bytes. */
function askOver(client: Socket): Ask {
  const lines = createInterface({ input: client })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string> => {
    const { value } = await lines.next();
    if (value === undefined) throw new Error('Redis has closed the connection');
    return value;
  };
  return async (command) => {
    client.write(`${command}\r\n`);
    const first = await nextLine();
    if (first.startsWith('-')) throw new Error(`Redis refuses ${command}: ${first}`);
    if (!first.startsWith('$')) return first;
    let answer = '';
    while (answer.length < Number(first.slice(1))) answer += `${await nextLine()}\r\n`;
    // The length does not count the end of the last line.
    if (answer.length === Number(first.slice(1))) await nextLine();
    return answer;
  };
}
