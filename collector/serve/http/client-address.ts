import { isIPv6, type Socket } from 'node:net';

/** Whom limits take for one client: an IPv4 address, the first 64 bits of an IPv6 address, or everybody at a Unix socket. */
export function clientAddressOf({ remoteAddress = '' }: Pick<Socket, 'remoteAddress'>): string {
  const address = remoteAddress.replace(/^::ffff:(?=\d+\.)/, '');
  return isIPv6(address) ? network64Of(address) : address;
}

function network64Of(address: string): string {
  const [before = '', after] = address.split('::');
  const first = groupsOf(before);
  const zeros = after === undefined ? 0 : 8 - first.length - groupsOf(after).length;
  return [...first, ...Array.from({ length: zeros }, () => '0'), ...groupsOf(after ?? '')].slice(0, 4).join(':');
}

const groupsOf = (text: string) => (text === '' ? [] : text.split(':'));
