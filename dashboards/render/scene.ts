/**
 * Plays a fleet of three hosts on this machine for some minutes, for the pictures of the dashboards. The spawners are
 * spawnload with the names of other programs, and spawn as those do. Their costs are real.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cgroupRoot } from '../../collector/system/cgroups.ts';
import { startCli, type CliProcess } from '../../testing/run-cli.ts';
import { SPAWNLOAD } from '../../native/spawnload/spawnload.ts';
import { addNetworkHost, type NetworkHost } from '../../testing/hosts.ts';
import { replacing, startPrometheus, type Prometheus } from '../../testing/prometheus.ts';

export const SCRAPE_SECONDS = 5;
const MIB = 1 << 20;

interface Act {
  /** When the act begins, as a part of the scene. `to` is when it ends. */
  readonly from: number;
  readonly to: number;
  /** Arguments of spawnload, separated by spaces. */
  readonly args: string;
}

const always = (args: string): Act => ({ from: 0, to: 1, args });

/** A heap that grows while the process forks; then the same with afork. */
const GROWING: readonly Act[] = [
  ...[160, 320, 480, 640, 800, 960].map((mebibytes, step) => ({
    from: step * 0.11,
    to: (step + 1) * 0.11,
    args: `--mechanism fork --rss ${mebibytes * MIB} --parent-touch 40 --child-touch 8 --rate 3`,
  })),
  { from: 0.66, to: 1, args: `--mechanism afork --rss ${960 * MIB} --rate 3` },
];

/** What each spawner does, by host and name. */
const HOSTS: Readonly<Record<string, Readonly<Record<string, readonly Act[]>>>> = {
  'web-1': {
    node: [...GROWING, always('--mechanism posix_spawn --exec-missing --rate 1')],
    nginx: [always(`--rss ${24 * MIB} --no-exec --child-lifetime 4000 --live 4`)],
  },
  'build-1': {
    ninja: [
      { from: 0.1, to: 0.75, args: `--mechanism posix_spawn --rss ${40 * MIB} --child-lifetime 60 --live 4 --rate 12` },
    ],
    make: [always('--mechanism vfork --rate 4')],
    sh: [always(`--rss ${MIB} --rate 8`), always('--exec-missing --rate 1')],
    runner: [{ from: 0.5, to: 0.62, args: '--nproc-limit --rate 1' }],
  },
  'cache-1': {
    'redis-server': [always(`--rss ${1500 * MIB} --no-exec --child-lifetime 20000 --parent-touch 20000`)],
    python3: [always(`--mechanism posix_spawn --rss ${80 * MIB} --rate 2`)],
  },
};

export interface Scene {
  readonly prometheus: Prometheus;
  readonly fromSeconds: number;
  readonly toSeconds: number;
  stop(): Promise<void>;
}

interface Host {
  readonly name: string;
  readonly network: NetworkHost;
  readonly cgroup: string;
  collector: CliProcess;
}

/** Plays the whole scene. Its Prometheus runs until the scene is stopped. */
export async function playScene(seconds: number): Promise<Scene> {
  const hosts = await Promise.all(Object.keys(HOSTS).map(startHost));
  const targets = hosts.map(({ name, network }) => ({ address: network.address, labels: { instance: name } }));
  const prometheus = await startPrometheus(targets, {
    config: replacing(['_interval: 15s', `_interval: ${SCRAPE_SECONDS}s`]),
  });
  const fromSeconds = Date.now() / 1000;
  const plays = hosts.flatMap(({ name, cgroup }) =>
    Object.entries(HOSTS[name] ?? {}).flatMap(([comm, acts]) => acts.map((act) => play(comm, act, cgroup, seconds))),
  );
  await Promise.all([...plays, restartOne(hosts, seconds)]);
  return {
    prometheus,
    fromSeconds,
    toSeconds: Date.now() / 1000,
    async stop() {
      await prometheus.stop();
      await Promise.all(hosts.map(stopHost));
    },
  };
}

async function startHost(name: string, index: number): Promise<Host> {
  const cgroup = join(cgroupRoot(), `forktax-${process.pid}-${name}`);
  mkdirSync(cgroup);
  const network = addNetworkHost(index);
  return { name, network, cgroup, collector: await startCollector(network, cgroup) };
}

async function startCollector(network: NetworkHost, cgroup: string): Promise<CliProcess> {
  const collector = startCli(
    ['serve', `--web.listen-address=${network.address}`, '--metrics=all', `--cgroup=${cgroup}`],
    network.enter,
  );
  await collector.said('msg=listening');
  return collector;
}

async function stopHost({ collector, network, cgroup }: Host): Promise<void> {
  collector.child.kill();
  await collector.result;
  network.remove();
  rmdirSync(cgroup);
}

/** Restarts one collector, so that the annotation is shown. */
async function restartOne(hosts: readonly Host[], seconds: number): Promise<void> {
  await sleep(0.4 * seconds * 1000);
  const host = hosts.find(({ name }) => name === 'build-1');
  if (!host) return;
  host.collector.child.kill();
  await host.collector.result;
  host.collector = await startCollector(host.network, host.cgroup);
}

/** Plays one act. Spawners with a rate end by themselves, because killing one during a fork would be a failed spawn. */
async function play(comm: string, { from, to, args }: Act, cgroup: string, seconds: number): Promise<void> {
  await sleep(from * seconds * 1000);
  const lasting = (to - from) * seconds;
  const rate = Number(/--rate (\d+)/.exec(args)?.[1] ?? NaN);
  const count = String(Math.round(rate * lasting) || 1_000_000);
  const child = startIn(cgroup, [SPAWNLOAD, '--count', count, '--comm', comm, ...args.split(' ')]);
  const exited = once(child, 'exit');
  if (Number.isNaN(rate)) setTimeout(() => child.kill(), lasting * 1000);
  await exited;
}

/** Starts a command in a cgroup. A shell joins the cgroup and then becomes the command, so all its spawns are in it. */
function startIn(cgroup: string, command: readonly string[]): ChildProcess {
  const script = 'echo $$ > "$0/cgroup.procs" && exec "$@"';
  return spawn('sh', ['-c', script, cgroup, ...command], { stdio: ['ignore', 'ignore', 'inherit'] });
}
