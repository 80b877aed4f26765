/**
 * Which names a request may call this collector by. A page in somebody's browser can be made to ask any address on its
 * network under a name of the page's own (DNS rebinding); such a name is not one of these.
 */
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { parseAddress } from '../config/address.ts';

export type HostCheck = (host: string | undefined) => boolean;

/**
 * `allowed` has names without ports; `.example.com` stands for every name below it, and `*` for all. Addresses may
 * always be used, for no page can have one as its name, and so may localhost and the names of this host.
 */
export function createHostCheck(listenAddresses: readonly string[], allowed: readonly string[]): HostCheck {
  const listening = listenAddresses.flatMap((address) => parseAddress(address)?.host ?? []);
  const names = new Set(['localhost', hostname(), ...listening, ...allowed].map((name) => name.toLowerCase()));
  const isAllowed = (name: string): boolean =>
    names.has('*') || names.has(name) || suffixesOf(name).some((suffix) => names.has(suffix));

  return (host) => {
    // HTTP/1.0 needs none, and browsers always send one.
    if (host === undefined) return true;
    const name = nameOf(host);
    return isIP(name) !== 0 || name.endsWith('.localhost') || isAllowed(name);
  };
}

function nameOf(host: string): string {
  const address = /^\[([^\]]*)\](?::\d*)?$/.exec(host)?.[1];
  return (address ?? host.replace(/:\d*$/, '').replace(/\.$/, '')).toLowerCase();
}

/** `.b.c` and `.c` for `a.b.c`. */
function suffixesOf(name: string): string[] {
  const labels = name.split('.');
  return labels.slice(1).map((_, i) => `.${labels.slice(i + 1).join('.')}`);
}
