/** The address of a collector, as people give it with --url. */
import { ForktaxError } from '../model/errors.ts';

/** @throws FORKTAX_USAGE naming the part that is wrong */
export function parseCollectorUrl(text: string): URL {
  const problem = problemOf(text);
  if (problem !== undefined) throw new ForktaxError('FORKTAX_USAGE', `--url: ${withoutUser(text)} ${problem}`);
  return new URL(text);
}

/** An error may go to a log, where a password must not stand. */
const withoutUser = (text: string): string => text.replace(/(\/\/)[^/?#]*@/, '$1');

function problemOf(text: string): string | undefined {
  if (!/^https?:\/\//i.test(text)) return 'is not an address such as http://host:port';
  const port = /^https?:\/\/[^/?#]*:([^:\]/?#]*)(?:[/?#]|$)/i.exec(text)?.[1];
  if (port !== undefined && port !== '' && !isPort(port))
    return `has the port ${port}; a port is a number from 1 to 65535`;
  return URL.canParse(text) ? undefined : 'is not an address such as http://host:port';
}

function isPort(text: string): boolean {
  return /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}
