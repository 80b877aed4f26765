/** What the collector itself takes: processor time and memory, at rest and while the machine spawns all it can. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallHook } from '../../collector/engine/engine.ts';
import { runSpawnload } from '../../native/spawnload/spawnload.ts';
import { serveWith, startTool, type RunningTool } from './tools.ts';

const REST_MS = 10_000;
const SPAWNS = 20_000;
const SCRAPE_EVERY_MS = 1_000;
/** USER_HZ, which is 100 on every architecture that Linux runs on today. */
const TICK_MS = 10;

/** MiB. What is not private are pages of Node.js itself and of libraries, which all who run them share. */
interface Memory {
  readonly resident: number;
  readonly private: number;
}

export interface CollectorCost {
  readonly restCpuPercent: number;
  readonly rest: Memory;
  readonly fullCpuPercent: number;
  readonly full: Memory;
  readonly spawnsPerSecond: number;
}

export async function measureCollector(callHook: CallHook): Promise<CollectorCost> {
  const collector = await startTool(serveWith(callHook));
  try {
    await sleep(1000);
    const restCpuPercent = await cpuPercent(collector, () => sleep(REST_MS));
    const rest = memoryOf(collector);
    let spawnsPerSecond = 0;
    const fullCpuPercent = await cpuPercent(collector, async () => {
      spawnsPerSecond = await spawnWhileScraped(collector);
    });
    return { restCpuPercent, rest, fullCpuPercent, full: memoryOf(collector), spawnsPerSecond };
  } finally {
    await collector.stop();
  }
}

async function spawnWhileScraped(collector: RunningTool): Promise<number> {
  const url = /url=(\S+)/.exec(collector.output())?.[1] ?? '';
  const scrape = async (): Promise<void> => void (await (await fetch(new URL('/metrics', url))).arrayBuffer());
  const timer = setInterval(() => void scrape(), SCRAPE_EVERY_MS);
  const truth = await runSpawnload(['--mechanism', 'vfork', '--live', '4', '--count', String(SPAWNS)]);
  clearInterval(timer);
  await scrape();
  return (truth.spawned / truth.elapsedNs) * 1e9;
}

/** Of one processor. */
async function cpuPercent({ pid }: RunningTool, work: () => Promise<void>): Promise<number> {
  const [cpuBefore, before] = [cpuMs(pid), performance.now()];
  await work();
  return ((cpuMs(pid) - cpuBefore) / (performance.now() - before)) * 100;
}

/** proc(5): the 14th and 15th field of stat; the second may hold blanks, but ends with the last parenthesis. */
function cpuMs(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

function memoryOf({ pid }: RunningTool): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024;
  return { resident: mib('VmRSS'), private: mib('RssAnon') };
}
