export interface Address {
  /** Absent: every address of the host. */
  readonly host?: string;
  readonly port: number;
}

/** `host:port`, `[address]:port` or `:port`; undefined for anything else. Port 0 lets the kernel choose. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[(?<v6>[\da-fA-F:.]+(?:%[\w.-]+)?)\]|(?<name>[^\s:[\]/]*)):(?<port>\d{1,5})$/.exec(text);
  if (!match?.groups) return undefined;
  const port = Number(match.groups['port']);
  if (port > 65_535) return undefined;
  const host = match.groups['v6'] ?? match.groups['name'];
  return host ? { host, port } : { port };
}

/** As in a URL. */
export function formatAddress({ host, port }: { host: string; port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
