/** Asks a running collector. */
import { ForktaxError } from '../model/errors.ts';

/**
 * Requests `path` below `url`, which may hold a user and a password, and lets `read` read the answer. An error message
 * begins with `problem`.
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

/** fetch refuses an address that holds a user and a password. */
function credentialsOf({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

/** A collector explains a refusal in one line of text. */
async function refusalOf(response: Response): Promise<string> {
  const isText = response.headers.get('content-type')?.startsWith('text/plain');
  const said = isText ? (await response.text()).trim() : '';
  return [`the server answers ${response.status} ${response.statusText}`, ...(said ? [said] : [])].join(': ');
}

/** The message of fetch itself is always "fetch failed"; its cause tells why. */
function reasonOf({ message, cause }: Error): string {
  return cause instanceof Error ? cause.message : message;
}
