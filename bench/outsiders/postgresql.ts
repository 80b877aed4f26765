/**
 * PostgreSQL forks for each connection. The new process notes when it began (`backend_start`), which is after the child exists and
 * before it has answered. The time from the call until then is at least the copy.
 */
import { execFileSync } from 'node:child_process';
import { chownSync } from 'node:fs';
import { join } from 'node:path';
import { startTool } from '../overhead/tools.ts';
import { mean, spawnsDuring, type Agreement } from './watch.ts';

const CONNECTIONS = 40;
const AS_POSTGRES = ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'];
const STARTED = 'select pid, extract(epoch from backend_start) from pg_stat_activity where pid = pg_backend_pid()';

/** @throws Error if the server is not installed */
export async function comparePostgres(folder: string): Promise<Agreement> {
  const data = join(folder, 'data');
  const { uid, gid } = idsOf('postgres');
  chownSync(folder, uid, gid);
  const call = (...command: string[]) =>
    execFileSync('setpriv', [...AS_POSTGRES.slice(1), ...command], { encoding: 'utf8' });
  call('initdb', '--auth=trust', '-D', data);
  const command = [...AS_POSTGRES, 'postgres', '-D', data, '-k', folder, '-c', 'listen_addresses='];
  const server = await startTool({ name: 'postgres', command, ready: /ready to accept/ });
  try {
    const started = new Map<number, number>();
    const spawns = await spawnsDuring({ pid: server.pid ?? 0 }, async () => {
      for (let i = 0; i < CONNECTIONS; i++) {
        const [pid = 0, seconds = 0] = call('psql', '-h', folder, '-d', 'postgres', '-AtF', ' ', '-c', STARTED)
          .split(' ')
          .map(Number);
        started.set(pid, seconds * 1000);
      }
    });
    const own = spawns.filter(({ child }) => started.has(child));
    const began = (each: (typeof own)[number]) => each.atMs - each.stallNs / 1e6;
    return {
      what: 'PostgreSQL, from the call until `backend_start`; the copy of forktax',
      spawns: CONNECTIONS,
      seen: own.length,
      theirsUs: mean(own.map((each) => ((started.get(each.child) ?? Number.NaN) - began(each)) * 1000)),
      oursUs: mean(own.map(({ copyNs }) => copyNs / 1000)),
    };
  } finally {
    await server.stop();
  }
}

function idsOf(user: string): { uid: number; gid: number } {
  const id = (flag: string) => Number(execFileSync('id', [flag, user], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
