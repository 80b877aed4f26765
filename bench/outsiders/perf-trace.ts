/** `perf trace -s` gives the mean time of each system call of a process. Both watch the same calls, so each figure has what the other one adds. */
import { setTimeout as sleep } from 'node:timers/promises';
import { prepareSpawnload } from '../../native/spawnload/spawnload.ts';
import { startTool } from '../overhead/tools.ts';
import { mean, spawnsDuring, type Agreement } from './watch.ts';

const SPAWNS = 200;
const ATTACHING_MS = 2000;

/** @throws Error if perf is not installed */
export async function comparePerfTrace(): Promise<Agreement> {
  const load = ['--mechanism', 'fork', '--syscall', 'fork', '--count', String(SPAWNS), '--rss', String(64 << 20)];
  const spawner = await prepareSpawnload(load);
  let printed = '';
  const spawns = await spawnsDuring({ pid: spawner.pid }, async () => {
    const command = ['perf', 'trace', '-s', '-p', String(spawner.pid)];
    const perf = await startTool({ name: 'perf', command, ready: /^/ });
    await sleep(ATTACHING_MS);
    await spawner.go();
    printed = await perf.stop();
  });
  // calls, errors, and in milliseconds: total, least, mean, most
  const [, calls = 0, meanMs = 0] = /^\s*fork\s+(\d+)\s+\d+\s+[\d.]+\s+[\d.]+\s+([\d.]+)/m.exec(printed) ?? [];
  return {
    what: 'perf trace -s, the mean of `fork` of 64 MiB',
    spawns: Number(calls),
    seen: spawns.length,
    theirsUs: Number(meanMs) * 1000,
    oursUs: mean(spawns.map(({ stallNs }) => stallNs / 1000)),
  };
}
