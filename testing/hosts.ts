/** Makes network namespaces that look like hosts to a Prometheus: each has its own address. */
import { execFileSync } from 'node:child_process';
import { DEFAULT_PORT } from '../collector/model/address.ts';

export interface NetworkHost {
  /** The address where a collector in it listens, also from outside. */
  readonly address: string;
  /** A command that runs another one in the namespace. */
  readonly enter: readonly string[];
  remove(): void;
}

const ip = (...args: readonly string[]) => execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });

/** Each host has 4 addresses of TEST-NET-2 (RFC 5737). */
const NETWORKS = Array.from({ length: 64 }, (_, index) => `198.51.100.${4 * index}`);

/** Adds a host in a network that no other one has, not even one that a killed process left behind. There can be 64. */
export function addNetworkHost(index: number): NetworkHost {
  const namespace = `forktax-${process.pid}-${index}`;
  const link = `ft${process.pid}-${index}`;
  const network = freeNetwork();
  const [outside, inside] = [addressIn(network, 1), addressIn(network, 2)];
  ip('netns', 'add', namespace);
  ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
  ip('address', 'add', `${outside}/30`, 'dev', link);
  ip('link', 'set', link, 'up');
  ip('-n', namespace, 'address', 'add', `${inside}/30`, 'dev', 'eth0');
  ip('-n', namespace, 'link', 'set', 'eth0', 'up');
  return {
    address: `${inside}:${DEFAULT_PORT}`,
    // `ip netns exec` would mount another /sys, without cgroups.
    enter: ['nsenter', `--net=/run/netns/${namespace}`],
    remove() {
      // While a process is in the namespace, its deletion alone would keep the link and its route.
      ip('link', 'delete', link);
      ip('netns', 'delete', namespace);
    },
  };
}

function freeNetwork(): string {
  const output = execFileSync('ip', ['-json', '-4', 'address', 'show'], { encoding: 'utf8' });
  const links: { addr_info: { local: string }[] }[] = JSON.parse(output);
  const taken = new Set(links.flatMap(({ addr_info: addresses }) => addresses.map(({ local }) => local)));
  const free = NETWORKS.find((network) => !taken.has(addressIn(network, 1)));
  if (free === undefined) throw new Error('ip: no free network in 198.51.100.0/24; remove links that are left behind');
  return free;
}

function addressIn(network: string, host: number): string {
  const bytes = network.split('.');
  return [...bytes.slice(0, 3), Number(bytes[3]) + host].join('.');
}
