/** Measures the collector's own processor time and memory, at rest and while the machine spawns at full speed. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { readStat } from '../../collector/system/proc.ts';
import { runSpawnload } from '../../native/spawnload/spawnload.ts';
import { startTool, type RunningTool, type Tool } from './tools.ts';

const REST_MS = 10_000;
const SPAWNS = 20_000;
const SCRAPE_EVERY_MS = 1_000;

/** Memory in MiB. Pages that are not private belong to Node.js and to libraries, and are shared by all processes that run them. */
interface Memory {
  readonly resident: number;
  readonly private: number;
}

export interface CollectorCost {
  readonly tool: string;
  readonly restCpuPercent: number;
  readonly rest: Memory;
  readonly fullCpuPercent: number;
  readonly full: Memory;
  readonly spawnsPerSecond: number;
  readonly eventsLost: number;
}

/** Measures the collector with its children: a bpftrace is part of its cost. */
export async function measureCollector(tool: Tool): Promise<CollectorCost> {
  const collector = await startTool(tool);
  try {
    await sleep(1000);
    const restCpuPercent = await cpuPercent(collector, () => sleep(REST_MS));
    const rest = memoryOf(collector);
    let loaded = { spawnsPerSecond: 0, eventsLost: 0 };
    const fullCpuPercent = await cpuPercent(collector, async () => {
      loaded = await spawnWhileScraped(collector);
    });
    return { tool: tool.name, restCpuPercent, rest, fullCpuPercent, full: memoryOf(collector), ...loaded };
  } finally {
    await collector.stop();
  }
}

async function spawnWhileScraped(collector: RunningTool) {
  const url = /url=(\S+)/.exec(collector.output())?.[1] ?? '';
  const scrape = async (): Promise<string> => (await fetch(new URL('/metrics', url))).text();
  const timer = setInterval(() => void scrape(), SCRAPE_EVERY_MS);
  const truth = await runSpawnload(['--mechanism', 'vfork', '--live', '4', '--count', String(SPAWNS)]);
  clearInterval(timer);
  const eventsLost = Number(/^forktax_events_lost_total (\d+)$/m.exec(await scrape())?.[1]);
  return { spawnsPerSecond: (truth.spawned / truth.elapsedNs) * 1e9, eventsLost };
}

/** Gives the load in percent of one processor. */
async function cpuPercent(tool: RunningTool, work: () => Promise<void>): Promise<number> {
  const cpu = () => processesOf(tool).reduce((sum, pid) => sum + readStat(pid).cpuNs / 1e6, 0);
  const [cpuBefore, before] = [cpu(), performance.now()];
  await work();
  return ((cpu() - cpuBefore) / (performance.now() - before)) * 100;
}

/** Gives the pids of the collector and its children. */
function processesOf({ pid = 0 }: RunningTool): number[] {
  const threads = readdirSync(`/proc/${pid}/task`);
  const children = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8'));
  return [pid, ...children.join(' ').split(' ').filter(Boolean).map(Number)];
}

function memoryOf(tool: RunningTool): Memory {
  const each = processesOf(tool).map(memoryOfProcess);
  const sum = (name: keyof Memory): number => each.reduce((total, memory) => total + memory[name], 0);
  return { resident: sum('resident'), private: sum('private') };
}

function memoryOfProcess(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024;
  return { resident: mib('VmRSS'), private: mib('RssAnon') };
}
