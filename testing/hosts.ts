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

/** Adds a host. There can be 60, because each has 4 addresses of TEST-NET-2 (RFC 5737). */
export function addNetworkHost(index: number): NetworkHost {
  const namespace = `forktax-${process.pid}-${index}`;
  const link = `ft${process.pid}-${index}`;
  const [outside, inside] = [`198.51.100.${4 * index + 1}`, `198.51.100.${4 * index + 2}`];
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
    remove: () => ip('netns', 'delete', namespace),
  };
}
