/** A question to a collector that runs. */
import { ForktaxError } from '../model/errors.ts';

/**
 * `url`: where the collector is, with a user and a password if it wants them. `problem`: what a failure means.
 * @throws FORKTAX_COLLECTOR
 */
export async function askCollector<T>(
  url: URL,
  path: string,
  problem: string,
  read: (response: Response) => Promise<T>,
): Promise<T> {
  const address = new URL(path, url.href.endsWith('/') ? url : `${url.href}/`);
  const headers = credentialsOf(address);
  address.username = '';
  address.password = '';
  try {
    const response = await fetch(address, { headers });
    if (!response.ok) throw new Error(await refusalOf(response));
    return await read(response);
  } catch (cause) {
    throw new ForktaxError('FORKTAX_COLLECTOR', `${problem} ${address.href}: ${reasonOf(cause as Error)}`, { cause });
  }
}

/** fetch refuses them in the address. */
function credentialsOf({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

/** A collector explains itself in one line of text. */
async function refusalOf(response: Response): Promise<string> {
  const isText = response.headers.get('content-type')?.startsWith('text/plain');
  const said = isText ? (await response.text()).trim() : '';
  return [`it answers ${response.status} ${response.statusText}`, ...(said ? [said] : [])].join(': ');
}

/** fetch's own message says nothing. */
function reasonOf({ message, cause }: Error): string {
  return cause instanceof Error ? cause.message : message;
}
